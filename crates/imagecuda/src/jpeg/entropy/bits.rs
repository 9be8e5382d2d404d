//! A reader of bits from entropy-coded data. It skips stuffed zeros.

use super::scanner::Source;

/// The bits of one restart interval. After its end the reader returns zeros.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, first bit highest. `count` of them are valid; below them there may be bits of
    /// the next byte.
    buffer: u64,
    count: u32,
    /// How many zero bits were added after the end of the data.
    made_up: u32,
    /// Whether an invalid code was read.
    pub(super) nonsense: bool,
}

/// The number of bits that [`Bits::fill`] guarantees: a code of 16 bits, and 15 bits of its value.
const ENOUGH: u32 = 32;

/// The number of bits that [`Bits::refill`] guarantees.
pub(super) const MANY: u32 = 56;

impl<'a> Source<'a> for Bits<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            ..Self::default()
        }
    }

    #[inline(always)]
    fn is_exhausted(&self) -> bool {
        self.made_up > self.count
    }

    #[inline(always)]
    fn is_nonsense(&self) -> bool {
        self.nonsense
    }

    fn is_made_up(&self) -> bool {
        false
    }
}

impl Bits<'_> {
    /// Makes at least 32 bits available to [`peek`](Self::peek) and the functions that consume
    /// bits.
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        if self.count < ENOUGH {
            self.refill();
        }
    }

    /// Makes at least [`MANY`] bits available. Where few were there, this takes as long as
    /// [`fill`](Self::fill), and no processor has to guess whether it is needed.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        const ONES: u64 = 0x0101_0101_0101_0101;
        if let Some(next) = self.data.get(self.at..).and_then(<[u8]>::first_chunk) {
            let word = u64::from_be_bytes(*next);
            let room = 63_u32.wrapping_sub(self.count) & 63;
            let taken = word & !(u64::MAX >> (room & !7));
            // Whether any byte that is taken is 0xff, which is a zero byte of the inverted word.
            if (!taken).wrapping_sub(ONES) & taken & (ONES << 7) == 0 {
                self.buffer |= word >> (self.count & 63);
                self.at += room as usize / 8;
                self.count |= 56;
                return;
            }
        }
        self.refill_slowly();
    }

    #[cold]
    #[inline(never)]
    fn refill_slowly(&mut self) {
        while self.count <= 56 {
            let byte = match self.data.get(self.at) {
                Some(0xff) => {
                    // Any number of fill bytes (0xff) may precede a marker or the stuffed 0.
                    let rest = &self.data[self.at..];
                    let fill = rest.iter().take_while(|&&byte| byte == 0xff).count();
                    match rest.get(fill) {
                        Some(0) => self.at += fill + 1,
                        _ => {
                            self.at = self.data.len();
                            continue;
                        }
                    }
                    0xff
                }
                Some(&byte) => {
                    self.at += 1;
                    byte
                }
                None => {
                    // Below the valid bits there may be some of a byte that is not read after all.
                    self.buffer &= !(u64::MAX >> self.count);
                    self.made_up += 64 - self.count;
                    self.count = 64;
                    return;
                }
            };
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// Returns the next `count` bits, 1 to 32, and does not consume them.
    #[inline(always)]
    pub(super) fn peek(&self, count: u32) -> u32 {
        (self.buffer >> ((64 - count) & 63)) as u32
    }

    /// Consumes `count` bits.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.buffer <<= count & 63;
        self.count = self.count.wrapping_sub(count);
    }

    /// Reads `count` bits, 0 to 15, as a signed coefficient of that size.
    #[inline(always)]
    pub(super) fn value(&mut self, count: u32) -> i32 {
        let value = self.number(count) as i32;
        // A first bit of 0 means a negative value.
        let least = (1 << count) >> 1;
        match value < least {
            true => value - (1 << count) + 1,
            false => value,
        }
    }

    /// The signed coefficient of size `count`, 1 to 15, after the next `code` bits. Nothing is consumed.
    #[inline(always)]
    pub(super) fn signed(&self, code: u32, count: u32) -> i16 {
        let next = self.buffer << (code & 63);
        let value = (next >> (count.wrapping_neg() & 63)) as i32;
        // A first bit of 0 means a negative value.
        let negative = !(next.cast_signed() >> 63) as i32;
        (value - (negative & ((1 << (count & 31)) - 1))) as i16
    }

    /// Reads `count` bits, 0 to 15, as an unsigned number.
    #[inline(always)]
    pub(super) fn number(&mut self, count: u32) -> u32 {
        // Two shifts, as a single shift by 64 would overflow when `count` is 0.
        let value = (self.buffer >> 1 >> (63 - count)) as u32;
        self.skip(count);
        value
    }

    /// Reads one bit. Needs no [`fill`](Self::fill) before.
    #[inline(always)]
    pub(super) fn bit(&mut self) -> bool {
        self.fill();
        self.number(1) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffing_is_left_out() {
        let mut data: Vec<u8> = vec![0xff, 0, 0xff, 0xff, 0];
        data.extend(0..=254);
        data.extend([0xff, 0, 7, 0xff, 0xff]);
        let mut expected: Vec<u8> = vec![0xff, 0xff];
        expected.extend(0..=254);
        expected.extend([0xff, 7]);
        for step in [1, 3, 8, 15] {
            let mut bits = Bits::new(&data);
            let all: Vec<u32> = (0..expected.len() * 8)
                .map(|i| u32::from(expected[i / 8]) >> (7 - i % 8) & 1)
                .collect();
            for some in all.chunks_exact(step) {
                let number = some.iter().fold(0, |number, bit| number * 2 + bit);
                bits.fill();
                assert_eq!(bits.number(step as u32), number);
            }
            assert!(!bits.is_exhausted());
            for _ in 0..16 {
                bits.bit();
            }
            assert!(bits.is_exhausted());
        }
    }

    /// Whatever is in the buffer, a refill adds what the data have, and zeros after their end.
    #[test]
    fn refills_may_come_at_any_time() {
        let mut data: Vec<u8> = (0u32..3000).map(|i| (i * i / 7) as u8).collect();
        for i in (0..data.len()).step_by(11) {
            data[i] = 0xff;
        }
        // Stuffed zeros, and a marker in the end.
        let mut stuffed = Vec::new();
        for &byte in &data {
            stuffed.push(byte);
            stuffed.extend((byte == 0xff).then_some(0));
        }
        stuffed.extend([0xff, 0xd9, 0xff, 0xff]);
        data.extend([0; 16]);
        for step in 1..=32 {
            let (mut bits, mut at) = (Bits::new(&stuffed), 0);
            while at + step < data.len() * 8 {
                match at % 3 {
                    0 => bits.fill(),
                    _ => bits.refill(),
                }
                let expected = (at..at + step).fold(0, |number, bit| {
                    number << 1 | u32::from(data[bit / 8]) >> (7 - bit % 8) & 1
                });
                assert_eq!(bits.peek(step as u32), expected, "{step} {at}");
                bits.skip(step as u32);
                at += step;
                assert_eq!(bits.is_exhausted(), at > (data.len() - 16) * 8);
            }
        }
    }

    #[test]
    fn values_have_a_sign() {
        let mut bits = Bits::new(&[0b0100_0111, 0]);
        bits.fill();
        for count in 1..=15 {
            for code in 0..=16 {
                let mut other = bits;
                other.skip(code);
                assert_eq!(i32::from(bits.signed(code, count)), other.value(count));
            }
        }
        assert_eq!(bits.value(0), 0);
        assert_eq!(bits.value(1), -1);
        assert_eq!(bits.value(1), 1);
        assert_eq!(bits.value(3), -7);
        assert_eq!(bits.value(3), 7);
    }
}
