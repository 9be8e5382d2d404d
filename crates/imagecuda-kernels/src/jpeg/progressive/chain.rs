//! The sequential half of decoding: from one block of a scan to the next.
//!
//! A chain follows the codes of a scan and passes everything else by its length. It says where each
//! block begins, and nothing else; [`Block`](super::block::Block) reads what is there. In a scan of AC
//! coefficients that are all zero so far, a chain advances by the zeros that symbols state. In a
//! refinement each coefficient that is not zero has a correction bit. So a chain needs to know, for
//! each zero of a block, how many others are before it: a [list](Memory::before) for each block.
//!
//! A first scan is a refinement without corrections, and a scan of DC coefficients is a band of one
//! coefficient. So there is one loop for all.
//!
//! The next code can only be looked up once all that is before it is passed. So a chain goes at the
//! speed of a look-up in shared memory and another one in the list. An entry has up to three symbols,
//! which hold if there are no corrections between them.

use super::{
    super::bits::{BitReader, WordSource},
    Band, Start,
    symbols::{LOOK_UP, Symbols},
};
use bytemuck::{Pod, Zeroable};

/// In a [list](Memory::before): there is no such zero.
pub const NO_ZERO: u32 = 255;

/// The room of a list: as many entries as a band has zeros, and [`NO_ZERO`] for the others that a
/// look-up may ask for.
pub const LIST: usize = 128;

/// What the symbols of a table are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Differences of DC coefficients.
    Dc,
    /// AC coefficients of a first scan, whose lowest bit is at this position.
    First(u32),
    /// New coefficients of a refinement.
    Refinement,
}

/// For each value of the next 11 bits the symbols that these show in full, with their values: up to
/// three coefficients. For each of these how many zeros it is after the last one before (5, 6 and 6
/// bits), and the bits up to its end (4 bits each). The highest three bits are 0.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct Steps([u32; 1 << LOOK_UP]);

/// An entry that is the end of a block. The lowest bits are the length of its code.
const END: u32 = 1 << 29;

/// An entry that does not show a symbol in full, or shows a rare one.
const OTHER: u32 = 2 << 29;

/// The zeros of a coefficient that an entry does not have. No entry has so many.
const ABSENT: u32 = 63;

impl Steps {
    /// The entries of a table.
    pub fn new(symbols: &Symbols, purpose: Purpose) -> Self {
        let mut all = Self([OTHER; 1 << LOOK_UP]);
        for (value, entry) in (0u32..).zip(&mut all.0) {
            *entry = Self::entry(symbols, purpose, value << (32 - LOOK_UP));
        }
        all
    }

    fn entry(symbols: &Symbols, purpose: Purpose, bits: u32) -> u32 {
        let (mut zeros, mut length, mut count) = (0, 0, 0);
        let mut steps = [(ABSENT, 0); 3];
        let most = if purpose == Purpose::Dc { 1 } else { 3 };
        while count < most {
            let (symbol, code) = symbols.short(bits << length);
            if code == 0 || length + code > LOOK_UP {
                break;
            }
            if (symbol, count, purpose == Purpose::Dc) == (0, 0, false) {
                return END | code;
            }
            let Some((run, size)) = sizes(purpose, symbol) else {
                break;
            };
            if length + code + size > LOOK_UP {
                break;
            }
            (zeros, length) = (zeros + run + 1, length + code + size);
            steps[count] = (zeros, length);
            count += 1;
        }
        if count == 0 {
            return OTHER;
        }
        let [(a, b), (c, d), (e, f)] = steps;
        a | b << 5 | c << 9 | d << 15 | e << 19 | f << 25
    }

    /// The entry for the next bits.
    #[inline(always)]
    pub fn get(&self, index: u32) -> u32 {
        self.0[index as usize % (1 << LOOK_UP)]
    }
}

/// The zeros before the coefficient of a symbol, and the bits of its value. `None` if the symbol has no
/// coefficient, or none that is allowed.
#[inline(always)]
fn sizes(purpose: Purpose, symbol: u32) -> Option<(u32, u32)> {
    let (run, size) = (symbol >> 4, symbol & 15);
    match purpose {
        Purpose::Dc => Some((0, size)),
        Purpose::First(low) => (size > 0 && size + low <= 15).then_some((run, size)),
        Purpose::Refinement => (size == 1).then_some((run, 1)),
    }
}

/// The memory that a chain looks things up in.
pub trait Memory: Copy {
    /// The entry of the [`Steps`] of a table for 11 bits.
    fn step(self, table: u32, bits: u32) -> u32;

    /// For the zero number `zero` of a block, the coefficients before it that are not zero;
    /// [`NO_ZERO`] if there is none. `zero` is below [`LIST`].
    fn before(self, block: u32, zero: u32) -> u32;
}

/// A block as a chain needs to know it.
#[derive(Clone, Copy, Debug)]
pub struct Ahead<'a> {
    /// Its number for [`Memory::before`].
    pub block: u32,
    /// The number of its table for [`Memory::step`], and the table.
    pub table: u32,
    /// See [`table`](Self::table).
    pub symbols: &'a Symbols,
    /// How many coefficients of the band are not zero.
    pub some: u32,
}

/// A scan while its blocks are passed.
#[derive(Clone, Copy, Debug)]
pub struct Chain<W> {
    bits: BitReader<W>,
    position: u32,
    /// Blocks of an end-of-block run that are left.
    ended: u32,
    purpose: Purpose,
    /// The coefficients of the band, less one.
    width: u32,
    /// Whether there were bits that are no code, or that mean too many zeros.
    pub is_wrong: bool,
}

impl<W: WordSource> Chain<W> {
    /// The chain of a scan, whose first block begins at a bit.
    #[inline(always)]
    pub fn new(words: W, bit: u32, purpose: Purpose, width: u32) -> Self {
        Self {
            bits: BitReader::new(words, bit),
            position: bit,
            ended: 0,
            purpose,
            width,
            is_wrong: false,
        }
    }

    /// Goes to the start of an interval.
    #[inline(always)]
    pub fn restart(&mut self, words: W, bit: u32) {
        self.bits = BitReader::new(words, bit);
        (self.position, self.ended) = (bit, 0);
    }

    /// The number of the next bit.
    #[inline(always)]
    pub fn position(&self) -> u32 {
        self.position
    }

    /// Passes up to 31 bits.
    #[inline(always)]
    fn skip(&mut self, count: u32) {
        let next = self.position.wrapping_add(count);
        self.bits.take(count, next / 32 != self.position / 32, next);
        self.position = next;
    }

    /// Passes any number of bits.
    #[inline(always)]
    fn skip_many(&mut self, mut count: u32) {
        while count > 31 {
            self.skip(31);
            count -= 31;
        }
        self.skip(count);
    }

    /// Passes a block. Returns where it begins.
    #[inline(always)]
    pub fn pass<M: Memory>(&mut self, memory: M, ahead: Ahead<'_>) -> Start {
        let start = Start::new(self.position, self.ended > 0);
        if self.ended > 0 {
            self.ended -= 1;
            self.skip_many(ahead.some);
            return start;
        }
        // The zero that was reached last, and what is not zero before it.
        let (mut zero, mut before) = (u32::MAX, 0);
        loop {
            let entry = memory.step(ahead.table, self.bits.peek() >> (32 - LOOK_UP));
            let used;
            if entry < END {
                let at = |shift: u32| zero.wrapping_add(entry >> shift & 63) % LIST as u32;
                let first = zero.wrapping_add(entry & 31) % LIST as u32;
                let (second, third) = (at(9), at(19));
                let [a, b, c] = [first, second, third].map(|zero| memory.before(ahead.block, zero));
                // An entry's next coefficient holds if the one before had no corrections.
                let has = |shift: u32| entry >> shift & 63 != ABSENT;
                let two = a == before && b != NO_ZERO && has(9);
                let three = two && b == before && c != NO_ZERO && has(19);
                let (mut length, mut now) = (entry >> 5 & 15, a);
                zero = first;
                if two {
                    (zero, length, now) = (second, entry >> 15 & 15, b);
                }
                if three {
                    (zero, length, now) = (third, entry >> 25 & 15, c);
                }
                used = length.wrapping_add(now).wrapping_sub(before);
                before = now;
            } else if entry < OTHER {
                self.skip(entry & 31);
                break;
            } else {
                match self.other(ahead.symbols) {
                    None => break,
                    Some((zeros, length)) => {
                        zero = zero.wrapping_add(zeros) % LIST as u32;
                        let now = memory.before(ahead.block, zero);
                        used = length.wrapping_add(now).wrapping_sub(before);
                        before = now;
                    }
                }
            }
            if before == NO_ZERO {
                self.is_wrong = true;
                return start;
            }
            self.skip_many(used);
            if zero + before >= self.width {
                break;
            }
        }
        // The corrections after the last zero that was reached.
        self.skip_many(ahead.some.wrapping_sub(before));
        start
    }

    /// A symbol that an entry does not have. Returns how many zeros it is from the last one, and its
    /// bits, which are not passed yet. `None` at the end of a block.
    #[inline(always)]
    fn other(&mut self, symbols: &Symbols) -> Option<(u32, u32)> {
        let (symbol, length) = match symbols.checked(self.bits.peek()) {
            Some(found) => found,
            None => {
                self.is_wrong = true;
                return None;
            }
        };
        if let Some((run, size)) = sizes(self.purpose, symbol) {
            return Some((run + 1, length + size));
        }
        let (run, size) = (symbol >> 4, symbol & 15);
        match (run, size) {
            (15, 0) => Some((16, length)),
            (_, 0) => {
                self.skip(length);
                let more = (self.bits.peek() >> 1) >> (31 - run);
                self.skip(run);
                self.ended = (1 << run) - 1 + more;
                None
            }
            _ => {
                self.is_wrong = true;
                None
            }
        }
    }
}

/// Makes the list of a block: calls `put` for each zero in order, with how many coefficients before it
/// are not zero. Returns how many of the band are not zero.
#[inline(always)]
pub fn list(some: u64, band: Band, mut put: impl FnMut(u32, u32)) -> u32 {
    let (mut zero, mut before) = (0, 0);
    let mut k = band.first;
    while k <= band.last {
        if some >> (63 - (k & 63)) & 1 == 0 {
            put(zero, before);
            zero += 1;
        } else {
            before += 1;
        }
        k += 1;
    }
    before
}
