//! The pool of decoders, with some that are made up: what is left of those that cannot be made.

use super::super::{
    kind::{Attempt, Refusal},
    members::{Class, Need},
    pool::{Pool, Pooled},
};
use super::KIND;
use crate::VideoDecoder;
use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A decoder with a number.
struct Made(usize);

impl Pooled for Made {
    fn is_sound(&mut self) -> bool {
        true
    }
}

const CLASS: Class = Class {
    kind: KIND,
    largest: [1024, 1024],
};

fn need(frames: usize) -> Need {
    Need {
        class: CLASS,
        frames,
        engines: 4,
        pixels: 100,
        choice: VideoDecoder::Engine,
    }
}

/// The numbers of decoders, of those that are free, and of pictures.
fn counts(pool: &Pool<Made>) -> [usize; 3] {
    let mut state = pool.lock();
    let members = state.of(CLASS);
    [members.alive, members.free.len(), members.pictures]
}

/// Waits until no thread makes decoders.
fn wait_for_growth(pool: &Pool<Made>) {
    while pool.lock().of(CLASS).is_growing {
        thread::yield_now();
    }
}

fn made() -> Attempt<Made> {
    Ok(Made(0))
}

/// Waits until another picture waits for this one's decoder, and then fails as `fail` does.
fn fails_while_one_waits(fail: impl Fn() -> Attempt<Made> + Copy + Send + Sync + 'static) {
    let pool = Arc::new(Pool::default());
    let waited_for = Arc::clone(&pool);
    let make = move || {
        // It is among the pictures from when it has the lock until it waits.
        while counts(&waited_for)[2] < 2 {
            thread::yield_now();
        }
        fail()
    };
    thread::scope(|scope| {
        let first = scope.spawn(|| {
            let taken = panic::catch_unwind(AssertUnwindSafe(|| pool.take(need(1), make).is_ok()));
            assert!(!taken.unwrap_or(false));
        });
        while counts(&pool)[0] == 0 {
            thread::yield_now();
        }
        // Had the place stayed counted, this would wait for ever.
        let taken = pool.take(need(1), made).unwrap();
        assert_eq!(taken.engines.len(), 1);
        first.join().unwrap();
        wait_for_growth(&pool);
        assert_eq!(counts(&pool)[2], 1);
        drop(taken);
    });
    let [alive, free, pictures] = counts(&pool);
    assert_eq!((alive, pictures), (free, 0));
    assert!(alive >= 1);
}

#[test]
fn who_waits_for_a_decoder_that_fails_makes_another() {
    fails_while_one_waits(|| Err(Refusal::NoMemory));
}

#[test]
fn who_waits_for_a_decoder_that_panics_makes_another() {
    fails_while_one_waits(|| panic!("made to panic"));
}

/// The first decoder is the picture's own; a thread makes the others.
#[test]
fn a_thread_that_fails_to_make_more_leaves_no_trace() {
    let fails: [fn() -> Attempt<Made>; 2] = [|| Err(Refusal::NoMemory), || panic!("made to panic")];
    for fail in fails {
        let pool = Arc::new(Pool::default());
        let calls = AtomicUsize::new(0);
        let make = move || match calls.fetch_add(1, Ordering::Relaxed) {
            number @ (0 | 1) => Ok(Made(number)),
            _ => fail(),
        };
        let taken = pool.take(need(4), make).unwrap();
        assert_eq!(taken.engines[0].0, 0);
        wait_for_growth(&pool);
        assert_eq!(counts(&pool), [2, 1, 1]);
        assert!(pool.lock().of(CLASS).is_full);
        drop(taken);
        assert_eq!(counts(&pool), [2, 2, 0]);
        // It is not tried again until decoders were ended.
        drop(pool.take(need(4), || panic!("not called")).unwrap());
        assert_eq!(pool.trim(), 2);
        drop(pool.take(need(4), made).unwrap());
        wait_for_growth(&pool);
        assert_eq!(counts(&pool), [4, 4, 0]);
    }
}
