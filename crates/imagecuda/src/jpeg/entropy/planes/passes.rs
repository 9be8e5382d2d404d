//! Refinement scans of which only the positions of new coefficients are wanted, and where blocks begin.
//!
//! Each symbol waits for the one before: a look-up of the next bits says how many zeros to advance; the mask of
//! zeros says where that is, and so how many correction bits come before the next symbol. Everything else is
//! done beside this chain, and in few registers.

use super::{
    super::table::{Codes, codes},
    part::Starts,
    places::{Processor, Zeros},
    scan::{LOOKUP, Progress},
};
use crate::jpeg::file::Huffman;
use imagecuda_kernels::jpeg::progressive::Start;

/// For each value of the next bits: how many zeros to advance (6 bits), from [`LENGTH`] on the number of bits
/// of code and sign, and flags.
#[derive(Debug)]
pub(super) struct PassTable {
    entries: Box<[u32; 1 << LOOKUP]>,
    codes: Codes,
}

const LENGTH: u32 = 16;
/// The entry is no new coefficient: it ends the block, or the look-up does not suffice.
const OTHER: u32 = 1 << 30;
/// The look-up does not suffice: it does not reach the sign, or the symbol is a rare one.
const SLOW: u32 = 1 << 29;

impl PassTable {
    pub(super) fn new(huffman: &Huffman) -> Self {
        // Entries of longer codes keep this value.
        let mut entries = Box::new([OTHER | SLOW; 1 << LOOKUP]);
        for (code, length, symbol) in codes(huffman) {
            let Some(free) = LOOKUP.checked_sub(length) else {
                continue;
            };
            let entry = match (symbol, free) {
                (0, _) => OTHER | length << LENGTH,
                (_, 1..) if symbol & 15 == 1 => new(symbol) | (length + 1) << LENGTH,
                _ => OTHER | SLOW,
            };
            let places = entries.iter_mut().skip((code << free) as usize);
            places.take(1 << free).for_each(|place| *place = entry);
        }
        let codes = Codes::new(huffman);
        Self { entries, codes }
    }
}

/// The entry of a new coefficient, without its length.
fn new(symbol: u8) -> u32 {
    u32::from(symbol >> 4) + 1
}

/// Reads the rows of blocks of a part. `None` at any irregularity.
#[inline(always)]
pub(super) fn rows(
    scan: &mut Progress<'_>,
    table: &PassTable,
    part: &mut Starts<'_>,
    processor: impl Processor,
) -> Option<()> {
    let to = part.to.next()?;
    let (mut nonzero, mut to) = (&mut part.nonzero[..], &mut to[..]);
    if to.len() != nonzero.len() {
        return None;
    }
    while !nonzero.is_empty() {
        let (count, begins) = scan.reader.take(nonzero.len())?;
        if begins {
            scan.empty = 0;
        }
        let (nonzero, to) = (nonzero.split_off_mut(..count)?, to.split_off_mut(..count)?);
        blocks(scan, table, (nonzero, to), processor)?;
    }
    scan.reader.is_sound().then_some(())
}

/// Reads blocks: adds new coefficients to those that are not 0, and writes where blocks begin.
#[inline(always)]
fn blocks(
    scan: &mut Progress<'_>,
    table: &PassTable,
    (nonzero, to): (&mut [u64], &mut [Start]),
    processor: impl Processor,
) -> Option<()> {
    // Local copies, so that the compiler keeps them in registers.
    let (band, before, last) = (scan.band, scan.first.checked_sub(1)?, scan.last);
    let (entries, bytes) = (&*table.entries, scan.reader.bytes());
    let mut bits = Next::at(bytes, scan.reader.bit())?;
    let mut empty = scan.empty;
    for (nonzero, to) in nonzero.iter_mut().zip(to) {
        let is_ended = empty > 0;
        *to = Start::new(bits.bit() as u32, is_ended);
        let old = *nonzero & band;
        // The position of the zero that was reached last; and the bits that are still to be passed.
        let (mut at, mut length) = (before, 0);
        let mut new = 0;
        if is_ended {
            empty -= 1;
        } else {
            let zeros = processor.zeros(!old & band);
            let mut place = zeros.start();
            loop {
                let mut entry = entries[(bits.buffer >> (64 - LOOKUP)) as usize];
                // This runs in parallel with the look-up, for which enough bits were available.
                bits.fill(bytes)?;
                if entry & OTHER != 0 {
                    if entry & SLOW == 0 {
                        length = entry >> LENGTH & 15;
                        break;
                    }
                    let from = (bytes, bits.bit());
                    let (other, bit, reached) = slow(table, &zeros, from, (place, at))?;
                    bits = Next::at(bytes, bit)?;
                    ((place, at), length) = (reached, 0);
                    match other {
                        Other::New(as_entry) => entry = as_entry,
                        Other::Passed if at < last => continue,
                        Other::Passed => break,
                        Other::End(blocks) => {
                            empty = blocks;
                            break;
                        }
                    }
                }
                let target = at + (entry & 63);
                let bit;
                (place, bit) = zeros.pass(place, entry & 63);
                new |= bit;
                at = bit.leading_zeros();
                // Each nonzero coefficient in between has a correction bit. The position comes last, as it is
                // waited for.
                length = (entry >> LENGTH & 15).wrapping_sub(target).wrapping_add(at);
                if at >= last {
                    if bit == 0 {
                        return None;
                    }
                    break;
                }
                bits.pass(bytes, length)?;
            }
        }
        // The correction bits of the nonzero coefficients after the last zero that was reached. If none was
        // reached, those of the whole band.
        let left = old & (((1 << 63) >> (at & 63)) - 1);
        bits.pass(bytes, length + left.count_ones())?;
        bits.fill(bytes)?;
        *nonzero |= new;
    }
    scan.reader.go_to(bits.bit());
    scan.empty = empty;
    Some(())
}

/// The next bits, like [`Bits`](super::bits::Bits), but in fewer registers.
#[derive(Clone, Copy)]
struct Next {
    /// The first bit highest. `count` of them are valid; below them there may be bits of the next byte.
    buffer: u64,
    /// At most 63.
    count: usize,
    /// The number of the next byte.
    byte: usize,
}

impl Next {
    /// The bits from bit `bit` on; enough for [`pass`](Self::pass) are available. `None` at the end of the
    /// bytes.
    #[inline(always)]
    fn at(bytes: &[u8], bit: usize) -> Option<Self> {
        let &word = bytes.get(bit / 8..)?.first_chunk()?;
        Some(Self {
            buffer: u64::from_be_bytes(word) << (bit % 8),
            count: 56 - bit % 8,
            byte: bit / 8 + 7,
        })
    }

    /// The number of the next bit.
    #[inline(always)]
    fn bit(&self) -> usize {
        8 * self.byte - self.count
    }

    /// Makes at least 56 bits available. `None` at the end of the bytes.
    #[inline(always)]
    fn fill(&mut self, bytes: &[u8]) -> Option<()> {
        // One comparison instead of two.
        if self.byte > bytes.len().wrapping_sub(8) {
            return None;
        }
        let &word = bytes.get(self.byte..)?.first_chunk()?;
        self.buffer |= u64::from_be_bytes(word) >> (self.count & 63);
        self.byte += (self.count ^ 63) >> 3 & 7;
        self.count |= 56;
        Some(())
    }

    /// Skips any number of bits after they were filled. Enough bits for a look-up are available afterwards.
    #[inline(always)]
    fn pass(&mut self, bytes: &[u8], count: u32) -> Option<()> {
        if count <= MOST_AT_ONCE {
            self.buffer <<= count & 63;
            self.count = self.count.wrapping_sub(count as usize);
        } else {
            *self = Self::at(bytes, self.bit() + count as usize)?;
        }
        Some(())
    }
}

/// So many of 56 bits leave enough for a look-up.
const MOST_AT_ONCE: u32 = 56 - LOOKUP;

/// A symbol that is not simply a new coefficient.
enum Other {
    /// A table entry without a length, as its bits are passed already.
    New(u32),
    /// 16 zeros were skipped.
    Passed,
    /// The end of this block, and of so many more without new coefficients.
    End(u32),
}

/// Reads the symbol at a bit. Returns it, the next bit, and the zero that was reached: its place and position.
#[cold]
#[inline(never)]
fn slow<Z: Zeros>(
    table: &PassTable,
    zeros: &Z,
    (bytes, mut bit): (&[u8], usize),
    (mut place, mut at): (Z::Place, u32),
) -> Option<(Other, usize, (Z::Place, u32))> {
    let bits = Next::at(bytes, bit)?.buffer;
    let (symbol, length) = table.codes.find((bits >> 48) as u32)?;
    bit += length as usize;
    let other = match (symbol >> 4, symbol & 15) {
        (15, 0) => {
            let zero;
            (place, zero) = zeros.pass(place, 16);
            if zero == 0 {
                return None;
            }
            let target = at + 16;
            at = zero.leading_zeros();
            bit += (at - target) as usize;
            Other::Passed
        }
        (run, 0) => {
            let run = u32::from(run);
            bit += run as usize;
            Other::End((1 << run) - 1 + (bits << length >> 1 >> (63 - run)) as u32)
        }
        (_, 1) => {
            bit += 1;
            Other::New(new(symbol))
        }
        _ => return None,
    };
    Some((other, bit, (place, at)))
}
