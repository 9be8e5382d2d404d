//! Makes the parts of a file on many threads, and writes them in order.

use crate::{Result, parallel};
use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// How many parts per thread may be finished before the part that is written next.
const AHEAD: usize = 4;

/// Calls `make` for parts 0 to `count - 1` on this thread and on rayon's. Passes each part to
/// `write` in order, as soon as the parts before it are written; other threads make further parts
/// meanwhile. Memory is bounded: only a few parts are made ahead, and their buffers are used again.
/// Returns the values that `make` returned.
///
/// `make` must not wait for rayon's threads. The first error of `write` stops everything.
pub(super) fn in_order<S: Default, T: Send>(
    count: usize,
    make: impl Fn(&mut S, usize, &mut Vec<u8>) -> T + Sync,
    mut write: impl FnMut(usize, &[u8]) -> Result<()> + Send,
) -> Result<Vec<T>> {
    let threads = rayon::current_num_threads().min(count);
    if threads < 2 {
        let (mut scratch, mut bytes) = (S::default(), Vec::new());
        return (0..count)
            .map(|part| {
                bytes.clear();
                let value = make(&mut scratch, part, &mut bytes);
                write(part, &bytes).map(|()| value)
            })
            .collect();
    }
    let line = Line {
        state: Mutex::default(),
        changed: Condvar::new(),
        count,
        ahead: AHEAD * threads,
    };
    let write = Mutex::new(write);
    parallel::on_threads(threads, &|| line.work(&make, &write));
    let state = line.state.into_inner();
    let state = state.unwrap_or_else(PoisonError::into_inner);
    state.failed.map_or(Ok(()), Err)?;
    Ok(state.values.into_values().collect())
}

struct Line<T> {
    state: Mutex<State<T>>,
    /// Signalled when a part is written, and after a failure.
    changed: Condvar,
    count: usize,
    ahead: usize,
}

struct State<T> {
    /// The next part to make.
    next: usize,
    /// How many parts are written.
    written: usize,
    /// Whether a thread is writing.
    writing: bool,
    /// Parts that are made but not written.
    ready: BTreeMap<usize, Vec<u8>>,
    /// Buffers of written parts, for later ones.
    spare: Vec<Vec<u8>>,
    values: BTreeMap<usize, T>,
    failed: Option<crate::Error>,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self {
            next: 0,
            written: 0,
            writing: false,
            ready: BTreeMap::new(),
            spare: Vec::new(),
            values: BTreeMap::new(),
            failed: None,
        }
    }
}

impl<T> Line<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The loop of one thread. A thread waits only for threads that make or write a part, and these
    /// never wait.
    fn work<S: Default>(
        &self,
        make: impl Fn(&mut S, usize, &mut Vec<u8>) -> T,
        write: &Mutex<impl FnMut(usize, &[u8]) -> Result<()>>,
    ) {
        let _for_others = OnPanic(self);
        let mut scratch = S::default();
        let mut state = self.lock();
        while state.failed.is_none() {
            let part = state.written;
            if !state.writing
                && let Some(bytes) = state.ready.remove(&part)
            {
                state.writing = true;
                drop(state);
                let mut write = write.lock().unwrap_or_else(PoisonError::into_inner);
                let result = write(part, &bytes);
                drop(write);
                state = self.lock();
                state.failed = result.err();
                state.spare.push(bytes);
                state.written += 1;
                state.writing = false;
                self.changed.notify_all();
            } else if state.next == self.count {
                return;
            } else if state.next < state.written + self.ahead {
                let part = state.next;
                state.next += 1;
                let mut bytes = state.spare.pop().unwrap_or_default();
                drop(state);
                bytes.clear();
                let value = make(&mut scratch, part, &mut bytes);
                state = self.lock();
                state.ready.insert(part, bytes);
                state.values.insert(part, value);
            } else {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

/// If a thread panics, its part is never made, and the others would wait for ever.
struct OnPanic<'a, T>(&'a Line<T>);

impl<T> Drop for OnPanic<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().failed = Some(crate::Error::encode("a thread panicked"));
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, parallel::in_pool};

    #[test]
    fn parts_are_written_in_order_on_any_number_of_threads() {
        for threads in [1, 2, 5, 16] {
            in_pool(threads, || {
                for count in [0, 1, 2, 7, 300] {
                    let mut written = Vec::new();
                    let values = in_order(
                        count,
                        |made: &mut usize, part, bytes| {
                            *made += 1;
                            // Some parts take longer, so that later ones are ready before them.
                            if part % 7 == 0 {
                                std::thread::sleep(std::time::Duration::from_millis(1));
                            }
                            bytes.extend(vec![part as u8; part % 5]);
                            part * part
                        },
                        |part, bytes| {
                            assert_eq!(bytes, vec![part as u8; part % 5]);
                            written.push(part);
                            Ok(())
                        },
                    );
                    assert!(written.into_iter().eq(0..count));
                    assert!(values.unwrap().into_iter().eq((0..count).map(|p| p * p)));
                }
            });
        }
    }

    #[test]
    fn a_failure_to_write_ends_it() {
        for threads in [1, 4] {
            in_pool(threads, || {
                let mut last = 0;
                let result = in_order(
                    1000,
                    |_: &mut (), _, _| (),
                    |part, _| {
                        last = part;
                        match part {
                            9 => Err(Error::encode("full")),
                            _ => Ok(()),
                        }
                    },
                );
                assert!(result.unwrap_err().to_string().contains("full"));
                assert_eq!(last, 9);
            });
        }
    }

    #[test]
    #[should_panic = "on purpose"]
    fn a_panic_ends_it_too() {
        in_pool(3, || {
            let make = |_: &mut (), part, _: &mut _| assert_ne!(part, 9, "on purpose");
            let _ = in_order(1000, make, |_, _| Ok(()));
        });
    }

    #[test]
    fn few_parts_are_made_before_their_turn() {
        in_pool(2, || {
            let written = std::sync::atomic::AtomicUsize::new(0);
            let load = || written.load(std::sync::atomic::Ordering::SeqCst);
            in_order(
                200,
                |_: &mut (), part, _| assert!(part <= load() + 2 * AHEAD, "{part} {}", load()),
                |part, _| {
                    std::thread::sleep(std::time::Duration::from_micros(100));
                    written.store(part + 1, std::sync::atomic::Ordering::SeqCst);
                    Ok(())
                },
            )
            .unwrap();
        });
    }
}
