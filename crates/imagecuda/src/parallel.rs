//! Runs the parts of a task on all cores.
//!
//! While a thread of rayon's waits in one of rayon's iterators, it starts other work on top of its
//! stack. With many pictures in flight, their work would pile up on one stack. Here only the
//! calling thread waits, and no part waits for rayon. So a thread of rayon's has at most one part
//! on its stack.

use rayon::Scope;
use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

/// Calls `work` once for each of `parts`, on this thread and on rayon's. Each thread makes a state
/// with `init`. Returns the states in any order.
///
/// `work` must not wait for rayon's threads. States should be small, because they lie on stacks.
pub(crate) fn fold<T, S: Send>(
    parts: impl ExactSizeIterator<Item = T> + Send,
    init: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, T) + Sync,
) -> Vec<S> {
    fold_on(usize::MAX, parts, init, work)
}

/// As [`fold`], on at most so many threads.
fn fold_on<T, S: Send>(
    threads: usize,
    parts: impl ExactSizeIterator<Item = T> + Send,
    init: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, T) + Sync,
) -> Vec<S> {
    let threads = rayon::current_num_threads().min(parts.len()).min(threads);
    let (parts, states) = (Mutex::new(parts), Mutex::new(Vec::new()));
    let next = || lock(&parts).next();
    on_threads(threads, &|| {
        if let Some(first) = next() {
            let mut state = init();
            work(&mut state, first);
            while let Some(part) = next() {
                work(&mut state, part);
            }
            lock(&states).push(state);
        }
    });
    states.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `work` for each of `parts`, as [`fold`] does.
pub(crate) fn for_each<T>(parts: impl ExactSizeIterator<Item = T> + Send, work: impl Fn(T) + Sync) {
    fold(parts, || (), |(), part| work(part));
}

/// Calls `work` for each of `parts`, as [`fold`] does, and returns the results in order.
pub(crate) fn map<T, U: Send>(
    parts: impl ExactSizeIterator<Item = T> + Send,
    work: impl Fn(T) -> U + Sync,
) -> Vec<U> {
    map_on(usize::MAX, parts, work)
}

/// Threads for work of tens of microseconds. To wake more takes longer than they would save.
pub(crate) const FEW: usize = 6;

/// As [`map`], on at most so many threads.
pub(crate) fn map_on<T, U: Send>(
    threads: usize,
    parts: impl ExactSizeIterator<Item = T> + Send,
    work: impl Fn(T) -> U + Sync,
) -> Vec<U> {
    let made = fold_on(
        threads,
        parts.enumerate(),
        Vec::new,
        |made, (number, part)| {
            made.push((number, work(part)));
        },
    );
    let mut made: Vec<(usize, U)> = made.into_iter().flatten().collect();
    made.sort_unstable_by_key(|&(number, _)| number);
    made.into_iter().map(|(_, value)| value).collect()
}

/// Bytes that a thread copies at a time, and the most threads that do. One thread copies much memory, or a
/// large file from the system's cache, at a quarter of the speed of several.
pub(crate) const COPY_PART: usize = 256 << 10;
pub(crate) const COPIERS: usize = 10;

/// Copies bytes to memory of the same length, on several threads if there are many and cores are idle.
#[cfg_attr(
    not(any(feature = "cuda", test)),
    expect(dead_code, reason = "for pinned memory")
)]
pub(crate) fn copy(from: &[u8], to: &mut [u8]) {
    if to.len() <= 2 * COPY_PART || !has_idle_cores() {
        return to.copy_from_slice(from);
    }
    assert_eq!(from.len(), to.len());
    let parts = to.chunks_mut(COPY_PART).zip(from.chunks(COPY_PART));
    let copy = |(to, from): (&mut [u8], &[u8])| to.copy_from_slice(from);
    fold_on(COPIERS, parts, || (), |(), part| copy(part));
}

/// Runs `work` on this thread and on threads of rayon's, `threads` in all. `work` must not wait for
/// rayon's threads.
pub(crate) fn on_threads(threads: usize, work: &(impl Fn() + Sync)) {
    match threads {
        0 | 1 => work(),
        // In place, so that a thread that is not one of rayon's does not start other work while it
        // waits.
        _ => rayon::in_place_scope(|scope| spread(scope, threads, work)),
    }
}

/// Wakes other threads, which wake others in turn, and then works.
fn spread<'a>(scope: &Scope<'a>, mut threads: usize, work: &'a (impl Fn() + Sync)) {
    while threads > 1 {
        let others = threads / 2;
        scope.spawn(move |scope| spread(scope, others, work));
        threads -= others;
    }
    work();
}

/// The default stack size of Rust's threads. A program may set a smaller one.
#[cfg(any(feature = "exr", feature = "heif"))]
const ROOM: usize = 2 << 20;

/// Runs `act` on a thread of its own with a large stack. Some encoders use more stack than the
/// caller's thread may have: AV1's takes 200 KB, OpenEXR's 100 KB.
#[cfg(any(feature = "exr", feature = "heif"))]
pub(crate) fn with_room<T: Send>(act: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("imagecuda encoder".into());
        let thread = thread.stack_size(ROOM).spawn_scoped(scope, act)?;
        Ok(thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Threads that load files.
static LOADING: AtomicUsize = AtomicUsize::new(0);

/// Tells others that this thread loads a file, until it is dropped.
pub(crate) struct Loading(());

impl Loading {
    pub(crate) fn start() -> Self {
        LOADING.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        LOADING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many threads load files.
pub(crate) fn loading() -> usize {
    LOADING.load(Ordering::Relaxed)
}

/// Whether at most one thread loads files. Short work is then done sooner by several threads. Otherwise
/// the cores have something to do, and waking threads for it would only take time.
pub(crate) fn has_idle_cores() -> bool {
    loading() < 2
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `act` in a pool of `threads` threads.
#[cfg(test)]
pub(crate) fn in_pool<T: Send>(threads: usize, act: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(act)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashMap, thread};

    #[test]
    fn each_part_is_worked_on_once() {
        for threads in [1, 2, 7, 64] {
            in_pool(threads, || {
                for count in [0, 1, 2, 63, 1000] {
                    let sums = fold(0..count, || 0, |sum, part| *sum += part);
                    assert!(sums.len() <= threads.min(count as usize));
                    assert_eq!(sums.iter().sum::<i32>(), (0..count).sum());
                    assert!(
                        map(0..count, |part| 3 * part)
                            .into_iter()
                            .eq((0..count).map(|p| 3 * p))
                    );
                    let mut out = vec![0; count as usize];
                    for_each(out.chunks_mut(3).enumerate(), |(i, part)| part.fill(i + 1));
                    assert!(out.into_iter().eq((0..count as usize).map(|i| i / 3 + 1)));
                }
            });
        }
    }

    #[test]
    fn copies_are_whole() {
        let from: Vec<u8> = (0..5 * COPY_PART + 3).map(|i| (i % 251) as u8).collect();
        for threads in [1, 3, 16] {
            for length in [0, 1, 2 * COPY_PART, 2 * COPY_PART + 1, from.len()] {
                let mut to = vec![255; length];
                in_pool(threads, || copy(&from[..length], &mut to));
                assert!(to == from[..length], "{length} bytes on {threads} threads");
            }
        }
    }

    #[test]
    #[should_panic = "on purpose"]
    fn a_panic_comes_back() {
        in_pool(3, || {
            for_each(0..100, |part| assert_ne!(part, 50, "on purpose"))
        });
    }

    /// With rayon's iterators, a part may run at any depth of the stack, on top of parts that wait.
    #[test]
    fn all_parts_are_at_one_depth_of_a_threads_stack() {
        let places = Mutex::new(HashMap::<_, Vec<usize>>::new());
        let look = |part: u32| {
            if rayon::current_thread_index().is_some() {
                let place = std::ptr::from_ref(&part).addr();
                lock(&places)
                    .entry(thread::current().id())
                    .or_default()
                    .push(place);
            }
            // Long enough that other threads find parts to take.
            std::hint::black_box((0..10_000 * (part % 8)).fold(0, |a, b| a ^ b));
        };
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| (0..20).for_each(|_| for_each(0..64, look)));
            }
        });
        let places = places.into_inner().unwrap();
        for places in places.values() {
            let (first, last) = (places.iter().min().unwrap(), places.iter().max().unwrap());
            assert!(last - first < 256, "{} bytes apart", last - first);
        }
    }
}
