//! Memory and threads of the GPU, for kernels that are generic over them.

use super::{
    super::{global, shared, thread, warp},
    shared_words::SharedWords,
};
use crate::png::block::{IS_THERE, Longs, Number, ThreadBlock, Warp, Words, are_there};
use core::{
    marker::PhantomData,
    sync::atomic::{AtomicU32, Ordering},
};

/// Numbers in device memory.
#[derive(Clone, Copy)]
pub(super) struct Device<T> {
    first: *mut T,
    len: u32,
}

impl<T: Copy> Device<T> {
    /// The `len` numbers at an address.
    ///
    /// # Safety
    ///
    /// The numbers exist as long as the kernel runs, and there is no reference to them.
    #[inline(always)]
    pub(super) unsafe fn new(address: u64, len: u32) -> Self {
        Self {
            first: address as *mut T,
            len,
        }
    }

    #[inline(always)]
    fn place(self, at: u32) -> Option<*mut T> {
        // SAFETY: `at` is within the `len` numbers.
        (at < self.len).then(|| unsafe { self.first.add(at as usize) })
    }

    /// Whether there are four numbers from a place on, which is a multiple of four.
    #[inline(always)]
    fn has_four(self, at: u32) -> bool {
        at.is_multiple_of(4) && at < self.len.saturating_sub(3)
    }
}

/// Words that one access writes.
#[repr(C, align(16))]
struct Four([u32; 4]);

impl Device<u32> {
    #[inline(always)]
    fn atomic(self, at: u32, change: impl FnOnce(&AtomicU32) -> u32) -> u32 {
        self.place(at).map_or(0, |place| {
            // SAFETY: `place` checked the range, and the word exists as long as the kernel runs.
            change(unsafe { AtomicU32::from_ptr(place) })
        })
    }
}

impl Words for Device<u32> {
    #[inline(always)]
    fn get(self, at: u32) -> u32 {
        // SAFETY: `place` checked the range.
        self.place(at).map_or(0, |place| unsafe { place.read() })
    }

    #[inline(always)]
    fn get_or(self, at: u32, other: u32) -> u32 {
        // SAFETY: `place` checked the range.
        self.place(at)
            .map_or(other, |place| unsafe { place.read() })
    }

    #[inline(always)]
    fn set(self, at: u32, word: u32) {
        if let Some(place) = self.place(at) {
            // SAFETY: `place` checked the range.
            unsafe { place.write(word) };
        }
    }

    #[inline(always)]
    fn get_four(self, at: u32) -> [u32; 4] {
        let are_there = self.has_four(at);
        // SAFETY: if they are read, these are four of the words. Memory of words begins at a multiple of 16 bytes.
        unsafe { global::load_four_if(are_there, self.first.wrapping_add(at as usize)) }
    }

    #[inline(always)]
    fn set_four(self, at: u32, words: [u32; 4]) {
        if self.has_four(at) {
            // SAFETY: four of the words. Memory of words begins at a multiple of 16 bytes.
            unsafe {
                self.first
                    .add(at as usize)
                    .cast::<Four>()
                    .write(Four(words))
            };
        }
    }

    #[inline(always)]
    fn add(self, at: u32, word: u32) -> u32 {
        self.atomic(at, |place| place.fetch_add(word, Ordering::Relaxed))
    }

    #[inline(always)]
    fn or(self, at: u32, bits: u32) {
        self.atomic(at, |place| place.fetch_or(bits, Ordering::Relaxed));
    }

    #[inline(always)]
    fn min(self, at: u32, most: u32) {
        self.atomic(at, |place| place.fetch_min(most, Ordering::Relaxed));
    }

    #[inline(always)]
    fn max(self, at: u32, least: u32) {
        self.atomic(at, |place| place.fetch_max(least, Ordering::Relaxed));
    }
}

impl Longs for Device<u64> {
    #[inline(always)]
    fn get(self, at: u32) -> u64 {
        // SAFETY: `place` checked the range.
        self.place(at).map_or(0, |place| unsafe { place.read() })
    }

    #[inline(always)]
    fn set(self, at: u32, number: u64) {
        if let Some(place) = self.place(at) {
            // SAFETY: `place` checked the range.
            unsafe { place.write(number) };
        }
    }

    #[inline(always)]
    fn peek_four(self, at: u32) -> [u64; 4] {
        let are_there = self.has_four(at);
        // SAFETY: if they are read, these are four of the numbers. Memory of numbers begins at a multiple of 16 bytes.
        unsafe { global::peek_four_if(are_there, self.first.wrapping_add(at as usize)) }
    }

    #[inline(always)]
    fn wait_four(self, at: u32) -> [u64; 4] {
        if !self.has_four(at) {
            // None that would ever be there.
            return [IS_THERE; 4];
        }
        loop {
            let numbers = self.peek_four(at);
            if are_there(numbers) {
                return numbers;
            }
        }
    }

    #[inline(always)]
    fn publish(self, at: u32, words: [u32; 4]) {
        if self.has_four(at) {
            let numbers = words.map(|word| IS_THERE | u64::from(word));
            // SAFETY: four of the numbers. Memory of numbers begins at a multiple of 16 bytes.
            unsafe { global::publish_four(self.first.add(at as usize), numbers) };
        }
    }
}

/// This thread's block. With `WARP` it is a single warp.
pub(super) struct Block<const WARP: bool> {
    shared: SharedWords,
    /// Two words for each warp.
    sums: SharedWords,
    /// The number of the launch's first block, and of all blocks that work on the picture.
    first: u32,
    blocks: u32,
    not_sync: PhantomData<*const ()>,
}

impl<const WARP: bool> Block<WARP> {
    /// This thread's block, with its shared memory and 64 more words. The first block of the launch has
    /// number `first`, and the picture has `blocks` blocks in all.
    ///
    /// # Safety
    ///
    /// All threads of the block call this, and make all later calls together. With `WARP` the block
    /// is a single warp, and otherwise it is several whole warps.
    #[inline(always)]
    pub(super) unsafe fn new(
        shared: SharedWords,
        sums: SharedWords,
        first: u32,
        blocks: u32,
    ) -> Self {
        Self {
            shared,
            sums,
            first,
            blocks,
            not_sync: PhantomData,
        }
    }

    #[inline(always)]
    fn wait(&self) {
        // SAFETY: all threads are here, as `new` demands.
        unsafe {
            match WARP {
                true => warp::sync(),
                false => shared::barrier(),
            }
        }
    }
}

impl<const WARP: bool> ThreadBlock for Block<WARP> {
    type Own<T> = T;
    type Global = Device<u32>;
    type Longs = Device<u64>;
    type Shared = SharedWords;

    #[inline(always)]
    fn index(&self) -> u32 {
        self.first + thread::block_idx_x() as u32
    }

    #[inline(always)]
    fn blocks(&self) -> u32 {
        self.blocks
    }

    #[inline(always)]
    fn threads(&self) -> u32 {
        thread::block_dim_x() as u32
    }

    #[inline(always)]
    fn shared(&self) -> SharedWords {
        self.shared
    }

    #[inline(always)]
    fn own<T: Clone>(&self, value: T) -> T {
        value
    }

    #[inline(always)]
    fn each<T>(&self, own: &mut T, mut body: impl FnMut(u32, &mut T)) {
        body(thread::thread_idx_x() as u32, own);
        self.wait();
    }

    #[inline(always)]
    fn any<T>(&self, own: &T, holds: impl Fn(&T) -> bool) -> bool {
        let holds = holds(own);
        // SAFETY: all threads are here, as `new` demands.
        unsafe {
            match WARP {
                true => warp::any(holds),
                false => shared::barrier_any(holds),
            }
        }
    }

    #[inline(always)]
    fn scan<T, N: Number>(
        &self,
        own: &mut T,
        zero: N,
        number: impl Fn(&T) -> N,
        plus: impl Fn(N, N) -> N,
        put: impl Fn(&mut T, N),
    ) -> N {
        let thread = thread::thread_idx_x() as u32;
        let (lane, number_of_warp) = (thread % 32, thread / 32);
        let warps = self.threads() / 32;
        let shuffle_up = |number: N, delta: u32| {
            // SAFETY: all threads are here, as `new` demands.
            let words = number
                .to_words()
                .map(|word| unsafe { warp::shuffle_up(word, delta) });
            N::of_words(words)
        };
        // The running sums within the warp.
        let sums_of_warp = |mut sum: N| {
            let mut delta = 1;
            while delta < 32 {
                let before = shuffle_up(sum, delta);
                if lane >= delta {
                    sum = plus(before, sum);
                }
                delta *= 2;
            }
            sum
        };
        let store = |at: u32, sum: N| {
            let [low, high] = sum.to_words();
            self.sums.set(2 * at, low);
            self.sums.set(2 * at + 1, high);
        };
        let load = |at: u32| N::of_words([self.sums.get(2 * at), self.sums.get(2 * at + 1)]);
        let up_to = sums_of_warp(number(own));
        if lane == 31 {
            store(number_of_warp, up_to);
        }
        self.wait();
        if number_of_warp == 0 {
            let sum = sums_of_warp(if lane < warps { load(lane) } else { zero });
            store(lane, sum);
        }
        self.wait();
        let all = load(warps - 1);
        let mut before = shuffle_up(up_to, 1);
        if lane == 0 {
            before = zero;
        }
        if number_of_warp > 0 {
            before = plus(load(number_of_warp - 1), before);
        }
        put(own, before);
        self.wait();
        all
    }
}

impl Warp for Block<true> {
    #[inline(always)]
    fn apart<T>(&self, own: &mut T, mut body: impl FnMut(u32, &mut T)) {
        body(thread::thread_idx_x() as u32, own);
    }

    #[inline(always)]
    fn shift<T>(&self, own: &mut T, number: impl Fn(&T) -> u32, put: impl Fn(&mut T, u32)) {
        // SAFETY: all threads are here, as `new` demands.
        let before = unsafe { warp::shuffle_up(number(own), 1) };
        put(own, before);
    }

    #[inline(always)]
    fn opaque(mut number: u32) -> u32 {
        // SAFETY: a comment is no instruction.
        unsafe {
            core::arch::asm!(
                "// {number}",
                number = inout(reg32) number,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        number
    }
}
