//! Progressive pictures of a batch whose blocks a kernel finds together. One thread launches the kernel for all
//! that have come since, and hands on those whose kernel has ended.

use super::{
    super::super::{Context, new_stream},
    by_kernel::Flight,
};
use crate::device::GroupMember;
use cust::stream::Stream;
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// Launches that run at a time, each in a stream of its own.
const FLIGHTS: usize = 12;

/// Scans at a time for each multiprocessor, which has room for five. The kernels that make the pixels need some too.
const SCANS: usize = 4;

/// With so many pictures a launch waits for no more.
const MANY: usize = 32;

/// How often the thread looks whether a kernel has ended, and how often at most a launch waits so long for more
/// pictures. It waits no longer once none have come. A kernel takes many times as long.
const NAP: Duration = Duration::from_micros(250);
const MAX_NAPS: usize = 4;

/// Groups of pictures, which come back when their blocks are found.
pub(crate) struct ProgressiveGroups<T> {
    context: Arc<Context>,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    /// The scans of all that wait or are under way.
    scans: usize,
    /// Whether no more pictures come.
    is_closed: bool,
    /// Whether the thread that launches waits for pictures.
    is_asleep: bool,
}

/// What the thread that launches does next.
enum Step<T> {
    Launch(Vec<T>),
    /// Finish the launch of this number, whose kernel has ended.
    Finish(usize),
    End,
}

impl Context {
    /// The streams in which kernels find blocks, which are made when they are first needed. Fewer if the driver
    /// gives no more.
    pub(super) fn position_streams(&self) -> &[Stream] {
        self.positions
            .get_or_init(|| (0..FLIGHTS).map_while(|_| new_stream().ok()).collect())
    }
}

impl<T: GroupMember> ProgressiveGroups<T> {
    pub(crate) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                scans: 0,
                is_closed: false,
                is_asleep: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a picture.
    pub(crate) fn add(&self, mut with: T) {
        let mut state = self.lock();
        state.scans += with.progressive().map_or(0, |jpeg| jpeg.scans());
        state.waiting.push_back(with);
        let is_asleep = state.is_asleep;
        drop(state);
        if is_asleep {
            self.changed.notify_one();
        }
    }

    /// Scans that the GPU has room for.
    fn most_scans(&self) -> usize {
        SCANS * self.context.multiprocessors as usize
    }

    /// Whether another picture would not wait long until its kernel begins. Some wait, so that there are always more
    /// when others end.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().scans < self.most_scans() * 5 / 4
    }

    /// Says that no more pictures come.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Lets the kernel find blocks until [`close`](Self::close) is called and all is done. Calls `deliver` with
    /// pictures. Where it says `false`, the picture has to be loaded for itself.
    pub(crate) fn run(&self, mut deliver: impl FnMut(Vec<(T, bool)>)) {
        // So that no call has to make it current. If this fails, each call does, and says so.
        let _current = self.context.enter();
        let mut flights: Vec<Flight<T>> = Vec::new();
        loop {
            match self.next_step(&flights) {
                Step::Launch(mut pictures) => {
                    let scans = pictures.iter_mut().filter_map(T::progressive);
                    let scans: usize = scans.map(|jpeg| jpeg.scans()).sum();
                    let is_free = |number: &usize| flights.iter().all(|f| f.stream != *number);
                    let mut streams = self.context.position_streams().iter().enumerate();
                    let stream = streams.find(|(number, _)| is_free(number));
                    let mut failed = Vec::new();
                    match stream {
                        Some(stream) => {
                            let fail = |with| failed.push((with, false));
                            let flight = Flight::launch(&self.context, pictures, stream, fail);
                            let launched = flight.as_ref().map_or(0, |flight| flight.scans);
                            self.lock().scans -= scans - launched;
                            flights.extend(flight);
                        }
                        None => {
                            self.lock().scans -= scans;
                            failed.extend(pictures.into_iter().map(|with| (with, false)));
                        }
                    }
                    if !failed.is_empty() {
                        deliver(failed);
                    }
                }
                Step::Finish(number) => {
                    let flight = flights.swap_remove(number);
                    self.lock().scans -= flight.scans;
                    deliver(flight.finish(&self.context));
                }
                Step::End => return,
            }
        }
    }

    /// Takes the first pictures whose scans the GPU has room for; one at least if no others are under way.
    fn first_group(&self, waiting: &mut VecDeque<T>, flights: &[Flight<T>]) -> Vec<T> {
        let most = self.most_scans();
        let mut scans: usize = flights.iter().map(|flight| flight.scans).sum();
        let mut fits = |member: &mut T| {
            let is_first = scans == 0;
            scans += member.progressive().map_or(0, |jpeg| jpeg.scans());
            is_first || scans <= most
        };
        std::iter::from_fn(|| waiting.pop_front_if(&mut fits)).collect()
    }

    fn next_step(&self, flights: &[Flight<T>]) -> Step<T> {
        let (mut naps, mut seen) = (0, 0);
        let mut state = self.lock();
        loop {
            if let Some(number) = flights.iter().position(Flight::is_done) {
                return Step::Finish(number);
            }
            let waiting = state.waiting.len();
            let grows = waiting > seen && naps < MAX_NAPS && !state.is_closed;
            let is_ready = waiting > 0 && (waiting >= MANY || !grows);
            if is_ready && flights.len() < self.context.position_streams().len().max(1) {
                let pictures = self.first_group(&mut state.waiting, flights);
                if !pictures.is_empty() {
                    return Step::Launch(pictures);
                }
            }
            if waiting == 0 && flights.is_empty() {
                if state.is_closed {
                    return Step::End;
                }
                state.is_asleep = true;
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                state.is_asleep = false;
                continue;
            }
            naps = if waiting > 0 { naps + 1 } else { 0 };
            seen = waiting;
            drop(state);
            thread::sleep(NAP);
            state = self.lock();
        }
    }
}
