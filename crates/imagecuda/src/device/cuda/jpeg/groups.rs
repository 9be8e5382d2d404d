//! Pictures of a batch, made together. Threads write what kernels need to decode their JPEGs into one
//! block of staging memory. One thread uploads the block and launches one chain of kernels for all of its
//! pictures. The same thread uploads and expands what the host has decoded.

pub(crate) use super::filling::PlannedJpeg;

use super::{
    super::{
        Context,
        pixel_group::{self, PixelFlight},
    },
    filling::{Filling, Member, Wanted},
    flight::Flight,
    prepare::PictureParts,
};
use crate::{
    color::Conversion,
    device::{self, GroupMember},
    jpeg::{GpuPlan, Jpeg},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// Groups whose kernels run or wait to run. More if each is one large JPEG: some of its kernels have few
/// thread blocks, and leave much of the GPU to others.
const MAX_FLIGHTS: usize = 4;
const MAX_SINGLE_FLIGHTS: usize = 5;

/// With so many pictures a group goes up while another is under way.
const MANY: usize = 32;

/// How long a small group waits for more pictures at a time, and how often at most. It waits no
/// longer once none have come. Where pictures come slower than the GPU decodes them, this is how groups
/// get large enough that the driver's calls are few.
const NAP: Duration = Duration::from_micros(50);
const MAX_NAPS: usize = 4;

/// So many groups are mended from the start after one that had to be decoded again for it, as the files of
/// a batch are often of one kind. Decoding again takes as many calls of the driver as mending six groups.
const MENDED: u32 = 16;

/// Groups of pictures, each of which comes back with its value of `T`.
pub(crate) struct PictureGroups<T> {
    context: Arc<Context>,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// The group that takes more pictures.
    open: Option<Filling<T>>,
    /// Groups that take no more.
    full: VecDeque<Filling<T>>,
    /// Pictures that the host has decoded.
    decoded: VecDeque<T>,
    /// Groups so far.
    made: u64,
    /// Whether no more pictures come.
    is_closed: bool,
    /// Whether the thread that launches waits for pictures.
    is_asleep: bool,
}

/// What the thread that launches does next.
enum Step<T> {
    Launch(Filling<T>),
    Upload(Vec<T>),
    /// Finish the group that is under way the longest.
    Finish,
    End,
}

/// A group that is under way.
enum UnderWay<T> {
    Jpegs(Flight<T>),
    Decoded(PixelFlight<T>),
}

impl<T: GroupMember> UnderWay<T> {
    /// Returns the pictures, whether they are made, and whether some JPEGs had to be mended.
    fn finish(self, context: &Context) -> (Vec<(T, bool)>, bool) {
        match self {
            Self::Jpegs(flight) => flight.finish(context),
            Self::Decoded(flight) => (flight.finish(context), false),
        }
    }
}

impl Context {
    /// A picture for a group.
    pub(crate) fn plan_jpeg(&self, jpeg: &Jpeg<'_>, plan: GpuPlan) -> PlannedJpeg {
        PlannedJpeg {
            scaled: *jpeg.scaled(),
            quantizers: Box::new(*jpeg.quantizers()),
            plan,
        }
    }
}

impl<T: GroupMember> PictureGroups<T> {
    pub(crate) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            state: Mutex::new(State {
                open: None,
                full: VecDeque::new(),
                decoded: VecDeque::new(),
                made: 0,
                is_closed: false,
                is_asleep: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a picture that the host has decoded.
    pub(crate) fn add_decoded(&self, with: T) {
        let mut state = self.lock();
        state.decoded.push_back(with);
        self.wake(state);
    }

    /// Wakes the thread that launches, if it waits.
    fn wake(&self, state: MutexGuard<'_, State<T>>) {
        let is_asleep = state.is_asleep;
        drop(state);
        if is_asleep {
            self.changed.notify_one();
        }
    }

    /// Adds a JPEG. Its pixels go to the image of `with`. Returns `with` if there is no memory.
    pub(crate) fn add(
        &self,
        jpeg: PlannedJpeg,
        shaper: Option<&Arc<Conversion>>,
        with: T,
    ) -> Result<(), T> {
        let device::Buffer::Cuda(image) = with.image() else {
            return Err(with);
        };
        let pixels = image.pointer().as_raw();
        let parts = PictureParts::new(&jpeg.scaled.picture, &jpeg.plan.scans);
        let wanted = Wanted {
            jpeg: &jpeg,
            parts: &parts,
            shaper,
        };
        let mut state = self.lock();
        let mut reserved = loop {
            if let Some(open) = &mut state.open {
                if let Some(reserved) = open.reserve(&wanted) {
                    break reserved;
                }
                let open = state.open.take();
                state.full.extend(open);
            }
            // In the steady state this takes a block from the pool.
            let staging = match self.context.pinned(wanted.staging_of_group()) {
                Ok(staging) => staging,
                Err(_) => return Err(with),
            };
            state.made += 1;
            state.open = Some(Filling::new(state.made, staging));
        };
        drop(state);
        let writing = Writing {
            groups: self,
            group: reserved.group,
        };
        reserved.write(&wanted, with.file());
        writing.end(Member {
            start: reserved.start,
            tables: reserved.tables(),
            shaper: reserved.shaper(),
            pixels,
            jpeg,
            parts,
            with,
        });
        Ok(())
    }

    /// Says that no more pictures come.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Launches groups until [`close`](Self::close) is called and all is done. Calls `deliver` with
    /// the pictures of each group. Where it says `false`, the picture has to be loaded for itself.
    pub(crate) fn run(&self, mut deliver: impl FnMut(Vec<(T, bool)>)) {
        // So that no call has to make it current. If this fails, each call does, and says so.
        let _current = self.context.enter();
        let (mut flights, mut launched) = (VecDeque::new(), 0);
        let mut mended = 0;
        loop {
            match self.next_step(&flights) {
                Step::Launch(group) => {
                    launched += 1;
                    let is_mended = mended > 0;
                    mended -= u32::from(is_mended);
                    match Flight::launch(&self.context, group, launched, is_mended) {
                        Ok(flight) => flights.push_back(UnderWay::Jpegs(flight)),
                        Err(undecoded) => deliver(undecoded),
                    }
                }
                Step::Upload(pictures) => match PixelFlight::launch(&self.context, pictures) {
                    Ok(flight) => flights.push_back(UnderWay::Decoded(flight)),
                    Err(unexpanded) => deliver(unexpanded),
                },
                Step::Finish => {
                    if let Some(flight) = flights.pop_front() {
                        let (pictures, had_to_mend) = flight.finish(&self.context);
                        if had_to_mend {
                            mended = MENDED;
                        }
                        deliver(pictures);
                    }
                }
                Step::End => return,
            }
        }
    }

    fn next_step(&self, under_way: &VecDeque<UnderWay<T>>) -> Step<T> {
        let flights = under_way.len();
        let is_jpegs = |flight: &UnderWay<T>| matches!(flight, UnderWay::Jpegs(_));
        let only_jpegs = flights > 0 && under_way.iter().all(is_jpegs);
        let mut state = self.lock();
        let (mut naps, mut seen) = (0, 0);
        loop {
            let next = state.full.front();
            let most = match next.is_some_and(|group| group.members.len() == 1) {
                true => MAX_SINGLE_FLIGHTS,
                false => MAX_FLIGHTS,
            };
            if flights >= most {
                return Step::Finish;
            }
            // They do not wait for JPEGs, whose kernels take longer.
            let decoded = state.decoded.len();
            if decoded >= MANY || decoded > 0 && only_jpegs {
                return Step::Upload(state.take_decoded());
            }
            if let Some(group) = state.full.pop_front_if(|group| group.is_written()) {
                if group.members.is_empty() {
                    continue;
                }
                return Step::Launch(group);
            }
            let jpegs = state.open.as_ref().map_or(0, |open| open.members.len());
            let is_large = jpegs >= MANY;
            if flights > 0 && !is_large {
                return Step::Finish;
            }
            let ready = jpegs + decoded;
            let grows = ready > seen && naps < MAX_NAPS && !state.is_closed;
            if ready > 0 && !is_large && grows {
                // More are probably on the way: the other threads work.
                (naps, seen) = (naps + 1, ready);
                drop(state);
                thread::sleep(NAP);
                state = self.lock();
                continue;
            }
            if decoded > 0 {
                return Step::Upload(state.take_decoded());
            }
            if jpegs > 0 {
                let open = state.open.take();
                // Those that are being written end soon, and wake this thread.
                state.full.extend(open);
                if state.full.front().is_some_and(Filling::is_written) {
                    continue;
                }
            }
            if flights > 0 {
                return Step::Finish;
            }
            let is_idle =
                state.full.is_empty() && state.open.as_ref().is_none_or(Filling::is_written);
            if state.is_closed && is_idle {
                return Step::End;
            }
            state.is_asleep = true;
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.is_asleep = false;
            (naps, seen) = (0, 0);
        }
    }
}

impl<T: GroupMember> State<T> {
    /// Takes a group of those that the host has decoded.
    fn take_decoded(&mut self) -> Vec<T> {
        let sizes = self.decoded.iter().map(pixel_group::bytes);
        let count = pixel_group::first_group(sizes);
        self.decoded.drain(..count).collect()
    }
}

/// The part of a group that a thread writes. If it does not end that, its picture is left out.
struct Writing<'a, T: GroupMember> {
    groups: &'a PictureGroups<T>,
    group: u64,
}

impl<T: GroupMember> Writing<'_, T> {
    fn end(self, member: Member<T>) {
        self.commit(Some(member));
        std::mem::forget(self);
    }

    fn commit(&self, member: Option<Member<T>>) {
        let mut state = self.groups.lock();
        let State { open, full, .. } = &mut *state;
        let mut groups = open.iter_mut().chain(full);
        if let Some(group) = groups.find(|group| group.number == self.group) {
            group.commit(member);
        }
        self.groups.wake(state);
    }
}

impl<T: GroupMember> Drop for Writing<'_, T> {
    fn drop(&mut self) {
        self.commit(None);
    }
}
