//! What a kernel needs of the machine that runs it: memory, and a thread block.
//!
//! A kernel of PNG is one safe function, generic over these traits. On a GPU every thread of the
//! block runs it. On the CPU one thread runs it for all of them. So between two calls of a
//! [`ThreadBlock`] a kernel must only do what all threads may do at once, with the same result:
//! read memory and compute. Everything else is in [`each`](ThreadBlock::each).

/// Words of memory that many threads use. Words outside of it read as zero, and writes to them are
/// ignored. So no damage of a file makes a kernel touch other memory.
pub trait Words: Copy {
    /// The word at a place.
    fn get(self, at: u32) -> u32;

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

/// Numbers of 64 bits in global memory, as [`Words`].
pub trait Longs: Copy {
    /// The number at a place.
    fn get(self, at: u32) -> u64;

    /// Writes a number.
    fn set(self, at: u32, number: u64);

    /// The number at a place, which another thread block may be about to write.
    fn peek(self, at: u32) -> u64;

    /// Waits until the number at a place is not zero. Another thread block that runs already writes
    /// it.
    fn wait(self, at: u32) -> u64;

    /// Writes a number that other thread blocks [`wait`](Self::wait) for.
    fn publish(self, at: u32, number: u64);
}

/// Shared memory: words of which a kernel takes parts.
pub trait Shared: Words {
    /// The part that begins at a word and has `len` words.
    fn part(self, at: u32, len: u32) -> Self;
}

/// A number that the threads of a block exchange.
pub trait Number: Copy {
    /// It as two words.
    fn to_words(self) -> [u32; 2];

    /// The number of two words.
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

/// A thread block, and its place in the grid. All threads make the same calls in the same order.
pub trait ThreadBlock {
    /// A value of each thread's own.
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

    /// The block's shared memory, with anything in it.
    fn shared(&self) -> Self::Shared;

    /// A value for each thread.
    fn own<T: Clone>(&self, value: T) -> Self::Own<T>;

    /// Runs `body` for each thread, with the thread's number. Then waits until all threads are done,
    /// so that what they wrote can be read.
    fn each<T>(&self, own: &mut Self::Own<T>, body: impl FnMut(u32, &mut T));

    /// Whether `holds` for the value of any thread.
    fn any<T>(&self, own: &Self::Own<T>, holds: impl Fn(&T) -> bool) -> bool;

    /// Gives each thread what `plus` makes of the numbers of the threads before it, in order, which
    /// is `zero` for the first one. Returns what it makes of all.
    fn scan<T, N: Number>(
        &self,
        own: &mut Self::Own<T>,
        zero: N,
        number: impl Fn(&T) -> N,
        plus: impl Fn(N, N) -> N,
        put: impl Fn(&mut T, N),
    ) -> N;
}

/// A thread block of one warp: 32 threads, which take every step together.
pub trait Warp: ThreadBlock {
    /// Gives each thread the number of the thread before it; the first one gets its own.
    fn shift<T>(
        &self,
        own: &mut Self::Own<T>,
        number: impl Fn(&T) -> u32,
        put: impl Fn(&mut T, u32),
    );

    /// Gives the first thread the number of thread `from`.
    fn give_first<T>(
        &self,
        own: &mut Self::Own<T>,
        from: u32,
        number: impl Fn(&T) -> u32,
        put: impl Fn(&mut T, u32),
    );
}
