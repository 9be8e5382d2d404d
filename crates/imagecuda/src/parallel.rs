//! Work in parts, on all cores.
//!
//! A thread of rayon's that waits takes on other work meanwhile, on top of what it has on its
//! stack. Rayon's iterators wait there, so that one picture's work comes on top of another's, as
//! deep as there are pictures. Here only the thread that asks waits, and no part waits for rayon:
//! a thread of rayon's has one part on its stack, however many pictures there are.

use rayon::Scope;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Gives each of `parts` to the `work` of one thread: of this one, or of rayon's. Each makes
/// itself a state with `init`; those are returned, in any order.
///
/// `work` must not wait for rayon's threads, and states should be small: they are on stacks.
pub(crate) fn fold<T, S: Send>(
    parts: impl ExactSizeIterator<Item = T> + Send,
    init: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, T) + Sync,
) -> Vec<S> {
    let threads = rayon::current_num_threads().min(parts.len());
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

/// As [`fold`], without states.
pub(crate) fn for_each<T>(parts: impl ExactSizeIterator<Item = T> + Send, work: impl Fn(T) + Sync) {
    fold(parts, || (), |(), part| work(part));
}

/// As [`fold`]; returns what `work` makes of each part, in order.
pub(crate) fn map<T, U: Send>(
    parts: impl ExactSizeIterator<Item = T> + Send,
    work: impl Fn(T) -> U + Sync,
) -> Vec<U> {
    let made = fold(parts.enumerate(), Vec::new, |made, (number, part)| {
        made.push((number, work(part)));
    });
    let mut made: Vec<(usize, U)> = made.into_iter().flatten().collect();
    made.sort_unstable_by_key(|&(number, _)| number);
    made.into_iter().map(|(_, value)| value).collect()
}

/// Runs `work` on this thread, and on as many of rayon's that they are `threads`. It must not
/// wait for rayon's.
pub(crate) fn on_threads(threads: usize, work: &(impl Fn() + Sync)) {
    match threads {
        0 | 1 => work(),
        // In place: a thread that is not one of rayon's waits without taking on work.
        _ => rayon::in_place_scope(|scope| spread(scope, threads, work)),
    }
}

/// Wakes others, which wake others, before it works.
fn spread<'a>(scope: &Scope<'a>, mut threads: usize, work: &'a (impl Fn() + Sync)) {
    while threads > 1 {
        let others = threads / 2;
        scope.spawn(move |scope| spread(scope, others, work));
        threads -= others;
    }
    work();
}

/// What Rust's threads have by default; a program may set less.
#[cfg(any(feature = "exr", feature = "heif"))]
const ROOM: usize = 2 << 20;

/// Runs `act` on a thread of its own that has room: for encoders that take more of a stack than a
/// caller's thread may have. The AV1 encoder takes 200 KB, OpenEXR's 100 KB.
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

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `act` in a pool of so many threads.
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
    #[should_panic = "on purpose"]
    fn a_panic_comes_back() {
        in_pool(3, || {
            for_each(0..100, |part| assert_ne!(part, 50, "on purpose"))
        });
    }

    /// Rayon's iterators would have parts anywhere on a stack: on top of others that wait.
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
            // So long that others find something to take.
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
