//! Batches come to an end, within their bounds.

use super::*;
use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};

fn noise(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1);
    *state >> 33
}

/// Simulates the loader's threads and its consumer. The threads take random times; the consumer
/// keeps some images and returns others in any order. The batch must end, and must never have
/// more in flight than allowed, except what a waiting consumer is given.
fn model(threads: usize, most_images: usize, most_bytes: u64, keep: usize, seed: u64) {
    const SOURCES: usize = 300;
    let budget = Arc::new(Budget::new(most_images, most_bytes, CancelToken::new()));
    let next = AtomicUsize::new(0);
    let ready: Mutex<Vec<Option<Slot>>> = Mutex::new((0..SOURCES).map(|_| None).collect());
    let arrived = Condvar::new();
    thread::scope(|scope| {
        for thread in 0..threads {
            let (budget, next, ready, arrived) = (&budget, &next, &ready, &arrived);
            scope.spawn(move || {
                let mut state = seed + thread as u64;
                while let Some(mut slot) = budget.reserve_slot() {
                    let index = next.fetch_add(1, SeqCst);
                    if index >= SOURCES {
                        return;
                    }
                    for _ in 0..noise(&mut state) % 50 {
                        thread::yield_now();
                    }
                    let bytes = noise(&mut state) % 100;
                    slot.size(index, bytes).expect("it is not stopped");
                    for _ in 0..noise(&mut state) % 50 {
                        thread::yield_now();
                    }
                    ready.lock().unwrap()[index] = Some(slot);
                    arrived.notify_all();
                }
            });
        }
        let mut kept: VecDeque<Slot> = VecDeque::new();
        let mut state = seed;
        for index in 0..SOURCES {
            let mut ready = ready.lock().unwrap();
            let mut slot = loop {
                if let Some(slot) = ready[index].take() {
                    break slot;
                }
                budget.set_waited_for(true);
                ready = arrived.wait_timeout(ready, LOOK).unwrap().0;
                budget.set_waited_for(false);
            };
            drop(ready);
            slot.deliver();
            kept.push_back(slot);
            while kept.len() > keep {
                let at = noise(&mut state) as usize % kept.len();
                kept.swap_remove_back(at);
            }
            let counts = budget.lock();
            assert!(
                counts.images <= most_images.max(kept.len() + 1),
                "{counts:?}"
            );
            let on_the_way = counts.bytes - kept.iter().map(|p| p.bytes).sum::<u64>();
            assert!(
                counts.bytes <= most_bytes || on_the_way <= 100 + most_bytes / 4,
                "{counts:?}"
            );
        }
        budget.stop();
    });
    drop(ready);
    let counts = budget.lock();
    assert_eq!((counts.images_on_the_way, counts.sized_on_the_way), (0, 0));
    assert_eq!((counts.images, counts.bytes), (0, 0));
}

#[test]
fn every_batch_comes_to_an_end() {
    for seed in 0..4 {
        for (threads, images, bytes, keep) in [
            (1, 1, 1000, 0),
            (2, 1, 1000, 5),
            (4, 2, 50, 3),
            (8, 20, 300, 0),
            (8, 3, 0, 10),
            (3, 5, u64::MAX, 300),
        ] {
            model(threads, images, bytes, keep, seed);
        }
    }
}

#[test]
fn a_source_takes_plenty_of_bytes_out_of_turn() {
    let budget = Arc::new(Budget::new(10, 100, CancelToken::new()));
    let mut slots: Vec<Slot> = (0..4).map(|_| budget.reserve_slot().unwrap()).collect();
    let turn_and_bytes = || {
        let counts = budget.lock();
        (counts.turn, counts.bytes)
    };
    slots[2].size(2, 20).unwrap();
    assert_eq!(turn_and_bytes(), (0, 20));
    // More than a quarter only in turn.
    assert!(!budget.is_plenty(&budget.lock(), 10));
    slots[0].size(0, 60).unwrap();
    assert_eq!(turn_and_bytes(), (1, 80));
    slots[0].deliver();
    // The consumer waits for source 1, as it has those before it. So it does not matter that
    // the image of source 2 is on its way, and that there is too little memory.
    budget.set_waited_for(true);
    slots[1].size(1, 90).unwrap();
    assert_eq!(turn_and_bytes().0, 3);
    assert_eq!(budget.lock().early.len(), 0);
    drop(slots);
    let counts = budget.lock();
    assert_eq!(
        (counts.images, counts.bytes, counts.sized_on_the_way),
        (0, 0, 0)
    );
}

#[test]
fn more_small_images_may_be_in_flight() {
    let budget = Budget::new(1, 8 << 30, CancelToken::new()).with_small(3);
    let budget = Arc::new(budget);
    let mut slots: Vec<Slot> = (0..2).map(|_| budget.reserve_slot().unwrap()).collect();
    assert_eq!(budget.free_slots(&budget.lock()), 1);
    slots[0].size(0, SMALL).unwrap();
    assert_eq!(budget.free_slots(&budget.lock()), 0);
    slots.remove(0);
    slots.extend(budget.reserve_slot());
    slots.extend(budget.reserve_slot());
    assert_eq!(budget.free_slots(&budget.lock()), 0);
}

/// Who keeps a thumbnail does not keep the memory of a whole picture.
#[test]
fn small_images_have_no_more_than_a_few_times_their_room() {
    let cpu = Device::cpu();
    let budget = Budget::new(4, u64::MAX, CancelToken::new());
    let returned = |side| {
        budget
            .idle
            .lock()
            .unwrap()
            .push(Image::new(&cpu, side, side).unwrap())
    };
    let idle = || budget.idle.lock().unwrap().len();
    returned(100);
    assert_eq!(budget.small_image(&cpu, 20, 20).unwrap().capacity(), 400);
    assert_eq!(idle(), 1);
    // A smaller one is replaced, and one that is not much larger is used again.
    returned(10);
    assert_eq!(budget.small_image(&cpu, 20, 20).unwrap().capacity(), 400);
    assert_eq!(idle(), 1);
    returned(30);
    assert_eq!(budget.small_image(&cpu, 20, 20).unwrap().capacity(), 900);
    assert_eq!(budget.image(&cpu, 20, 20).unwrap().capacity(), 10_000);
    assert_eq!((idle(), budget.made()), (0, 2));
}

/// By slots, by bytes, and by the bytes of those that wait for some.
#[test]
fn a_batch_is_full_when_another_image_would_wait() {
    let budget = Arc::new(Budget::new(3, 100, CancelToken::new()));
    assert!(!budget.is_full(100));
    assert!(budget.is_full(101));
    let mut slots: Vec<Slot> = (0..2).map(|_| budget.reserve_slot().unwrap()).collect();
    slots[0].size(0, 40).unwrap();
    assert!(!budget.is_full(60));
    assert!(budget.is_full(61));
    thread::scope(|scope| {
        let mut waits = slots.pop().unwrap();
        scope.spawn(move || waits.size(1, 70));
        while budget.bytes.waiting.load(SeqCst) == 0 {
            thread::yield_now();
        }
        // The one that waits comes first.
        assert!(budget.is_full(31));
        assert!(!budget.is_full(30));
        slots.clear();
    });
    let slots: Vec<_> = (0..3).map(|_| budget.reserve_slot()).collect();
    assert!(budget.is_full(1));
    drop(slots);
    assert!(!budget.is_full(1));
}

/// Images that wait for a kernel are counted by their bytes alone, and so are finished ones that wait for them,
/// until the consumer has them.
#[test]
fn images_that_wait_for_a_kernel_have_no_slots() {
    let budget = |without_slots| {
        let budget = Budget::new(2, 100, CancelToken::new());
        Arc::new(match without_slots {
            true => budget.without_slots_for_waiting(90),
            false => budget,
        })
    };
    let images = |budget: &Budget| budget.lock().images;

    let few = budget(false);
    let mut slots: Vec<Slot> = (0..2).map(|_| few.reserve_slot().unwrap()).collect();
    slots[0].wait();
    assert_eq!(images(&few), 2);
    assert!(few.is_full(1));

    let budget = budget(true);
    let mut slots: Vec<Slot> = (0..2).map(|_| budget.reserve_slot().unwrap()).collect();
    slots[0].size(0, 60).unwrap();
    slots[1].size(1, 20).unwrap();
    assert!(budget.is_full(11) && !budget.is_full(10));
    slots[0].wait();
    assert_eq!(images(&budget), 1);
    // A later image is finished before.
    slots[1].end_work();
    assert_eq!(images(&budget), 0);
    let mut later = budget.reserve_slot().unwrap();
    slots[0].end_wait();
    slots[0].end_work();
    assert_eq!(images(&budget), 1);
    // With nothing to wait for, an image stays counted.
    later.end_work();
    assert_eq!(images(&budget), 1);
    slots.iter_mut().for_each(Slot::deliver);
    assert_eq!(images(&budget), 3);
    drop(slots);
    assert_eq!(images(&budget), 1);
    // One that is lost while it waits.
    later.wait();
    drop(later);
    assert_eq!(images(&budget), 0);
    assert_eq!(budget.waiting_for_kernel.load(SeqCst), 0);
}
