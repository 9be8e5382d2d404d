//! What a kernel needs of the machine that runs it: memory, and a thread block.
//!
//! A kernel of PNG is one safe function, generic over these traits. On a GPU every thread of the
//! block runs it. On the CPU one thread runs it for all of them. So between two calls of a
//! [`ThreadBlock`] a kernel must only do what all threads may do at once, with the same result:
//! read memory and compute. Everything else is in [`each`](ThreadBlock::each).

/// Words of memory that many threads use. Words out of range read as zero, and writes to them are
/// ignored. So even a damaged file cannot make a kernel access other memory.
pub trait Words: Copy {
    /// The word at a place.
    fn get(self, at: u32) -> u32;

    /// The word at a place, or `other` if the place is out of range.
    fn get_or(self, at: u32, other: u32) -> u32;

    /// Four words from a place on that is a multiple of four.
    #[inline(always)]
    fn get_four(self, at: u32) -> [u32; 4] {
        [0, 1, 2, 3].map(|i| self.get(at + i))
    }

    /// Writes a word.
    fn set(self, at: u32, word: u32);

    /// Writes four words from a place on that is a multiple of four.
    #[inline(always)]
    fn set_four(self, at: u32, [a, b, c, d]: [u32; 4]) {
        self.set(at, a);
        self.set(at + 1, b);
        self.set(at + 2, c);
        self.set(at + 3, d);
    }

    /// Adds to a word atomically. Returns what it was.
    fn add(self, at: u32, word: u32) -> u32;

    /// Sets bits of a word atomically.
    fn or(self, at: u32, bits: u32);

    /// Makes a word at most this, atomically.
    fn min(self, at: u32, most: u32);

    /// Makes a word at least this, atomically.
    fn max(self, at: u32, least: u32);
}

/// Numbers of 64 bits in global memory. Like [`Words`].
pub trait Longs: Copy {
    /// The number at a place.
    fn get(self, at: u32) -> u64;

    /// Writes a number.
    fn set(self, at: u32, number: u64);

    /// Four numbers from a place on that is a multiple of four, which another thread block may
    /// [`publish`](Self::publish) at the same time.
    fn peek_four(self, at: u32) -> [u64; 4];

    /// Waits until four numbers [`are_there`]. A thread block that already runs must publish them.
    fn wait_four(self, at: u32) -> [u64; 4];

    /// Writes four numbers for other thread blocks, from a place on that is a multiple of four, if there is room for
    /// all of them: words, each with the bit that says that it is there.
    fn publish(self, at: u32, words: [u32; 4]);
}

/// The bit of a published word that says that it is there. Before, the number is zero.
pub const IS_THERE: u64 = 1 << 32;

/// Whether four words are published.
#[inline(always)]
pub fn are_there([a, b, c, d]: [u64; 4]) -> bool {
    a & b & c & d & IS_THERE != 0
}

/// Shared memory, which a kernel divides into parts.
pub trait Shared: Words {
    /// The part of `len` words that starts at a word.
    fn part(self, at: u32, len: u32) -> Self;
}

/// A number that the threads of a block exchange.
pub trait Number: Copy {
    /// The number as two words.
    fn to_words(self) -> [u32; 2];

    /// The number made of two words.
    fn of_words(words: [u32; 2]) -> Self;
}

impl Number for u32 {
    #[inline(always)]
    fn to_words(self) -> [u32; 2] {
        [self, 0]
    }

    #[inline(always)]
    fn of_words(words: [u32; 2]) -> Self {
        words[0]
    }
}

impl Number for u64 {
    #[inline(always)]
    fn to_words(self) -> [u32; 2] {
        [self as u32, (self >> 32) as u32]
    }

    #[inline(always)]
    fn of_words([low, high]: [u32; 2]) -> Self {
        u64::from(low) | u64::from(high) << 32
    }
}

/// A thread block, and its position in the grid. All threads make the same calls in the same order.
pub trait ThreadBlock {
    /// A private value of each thread.
    type Own<T>;
    /// Words in global memory.
    type Global: Words;
    /// Numbers of 64 bits in global memory.
    type Longs: Longs;
    /// Words in shared memory.
    type Shared: Shared;

    /// The number of the block in the grid.
    fn index(&self) -> u32;

    /// The blocks of the grid.
    fn blocks(&self) -> u32;

    /// The threads of the block.
    fn threads(&self) -> u32;

    /// The block's shared memory, with undefined contents.
    fn shared(&self) -> Self::Shared;

    /// Makes a private value for each thread.
    fn own<T: Clone>(&self, value: T) -> Self::Own<T>;

    /// Runs `body` for each thread, with the thread's number. Then waits until all threads are done,
    /// so that what they wrote can be read.
    fn each<T>(&self, own: &mut Self::Own<T>, body: impl FnMut(u32, &mut T));

    /// Whether `holds` is true of the value of any thread.
    fn any<T>(&self, own: &Self::Own<T>, holds: impl Fn(&T) -> bool) -> bool;

    /// A prefix sum: gives each thread `plus` of the numbers of all threads before it, in order.
    /// The first thread gets `zero`. Returns the total.
    fn scan<T, N: Number>(
        &self,
        own: &mut Self::Own<T>,
        zero: N,
        number: impl Fn(&T) -> N,
        plus: impl Fn(N, N) -> N,
        put: impl Fn(&mut T, N),
    ) -> N;
}

/// A thread block that is one warp: 32 threads that run in step.
pub trait Warp: ThreadBlock {
    /// Runs `body` for each thread, like [`each`](ThreadBlock::each), and does not wait: no thread
    /// reads what another one writes.
    fn apart<T>(&self, own: &mut Self::Own<T>, body: impl FnMut(u32, &mut T));

    /// Gives each thread the number of the thread before it. The first thread gets its own.
    fn shift<T>(
        &self,
        own: &mut Self::Own<T>,
        number: impl Fn(&T) -> u32,
        put: impl Fn(&mut T, u32),
    );

    /// The same number, of which the compiler does not know where it comes from.
    fn opaque(number: u32) -> u32 {
        number
    }
}
