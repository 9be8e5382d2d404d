//! A fast reader of a scan's bits. The stuffed zeros are removed beforehand.

use super::scan::LOOKUP;
use crate::jpeg::file::Scan;

/// Zero bytes after each interval, so that a word that starts in one interval never contains bytes
/// of the next.
const PADDING: usize = 16;

/// The data of a scan without stuffed zeros: one restart interval after the other.
#[derive(Debug)]
pub(super) struct Intervals<'m> {
    bytes: &'m [u8],
    /// The start and the end of each interval in `bytes`.
    places: Vec<(usize, usize)>,
}

/// Whether a scan of `mcus` MCUs has as many restart markers as it needs.
pub(super) fn has_all_restarts(scan: &Scan, mcus: u64) -> bool {
    let count = match scan.restart_interval {
        0 => 1,
        interval => mcus.div_ceil(interval.into()),
    };
    scan.restarts.len() as u64 + 1 == count
}

impl<'m> Intervals<'m> {
    /// The most bytes that a scan's data have without stuffing.
    pub(super) fn room(scan: &Scan) -> usize {
        scan.data.len() + PADDING * (scan.restarts.len() + 1)
    }

    /// Writes the data of a scan to `memory`, which has [room](Self::room) for them. `None` if the restart
    /// markers are not in their order.
    pub(super) fn of(scan: &Scan, file: &[u8], memory: &'m mut [u8]) -> Option<Self> {
        let mut places = Vec::with_capacity(scan.restarts.len() + 1);
        let (mut start, mut at) = (scan.data.start, 0);
        for (number, end) in scan.restarts.iter().copied().enumerate() {
            if file.get(end + 1) != Some(&(0xd0 + (number % 8) as u8)) {
                return None;
            }
            places.push(unstuff(file.get(start..end)?, memory, &mut at)?);
            start = end + 2;
        }
        places.push(unstuff(file.get(start..scan.data.end)?, memory, &mut at)?);
        let bytes = memory.get(..at)?;
        Some(Self { bytes, places })
    }

    /// All intervals, each followed by padding.
    pub(super) fn bytes(&self) -> &'m [u8] {
        self.bytes
    }

    /// The bits of the only interval, which are the first ones. `None` if there are several, or more bits.
    #[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "for a GPU"))]
    pub(super) fn bits_without_restarts(&self) -> Option<u32> {
        match self.places[..] {
            [(0, end)] => u32::try_from(8 * end).ok(),
            _ => None,
        }
    }
}

/// Writes an interval to `memory` from byte `at` on, and moves `at` past its padding. Returns where it
/// begins and ends.
fn unstuff(mut data: &[u8], memory: &mut [u8], at: &mut usize) -> Option<(usize, usize)> {
    let start = *at;
    let (_, mut free) = memory.split_at_mut_checked(start)?;
    let room = free.len();
    while let Some(at) = memchr::memchr(0xff, data) {
        let (before, rest) = data.split_at(at);
        // Any number of fill bytes may precede the 0, as in the plain decoder.
        let fill = rest.iter().take_while(|&&byte| byte == 0xff).count();
        let (mut count, mut after) = (at, &rest[rest.len()..]);
        if rest.get(fill) == Some(&0) {
            // Its first byte is 0xff.
            (count, after) = (at + 1, &rest[fill + 1..]);
        }
        let from = data.get(..count)?;
        debug_assert!(from.starts_with(before));
        free.split_off_mut(..count)?.copy_from_slice(from);
        data = after;
    }
    free.split_off_mut(..data.len())?.copy_from_slice(data);
    let end = start + room - free.len();
    free.split_off_mut(..PADDING)?.fill(0);
    *at = end + PADDING;
    Some((start, end))
}

/// Reads the intervals of a scan one after another.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    intervals: &'a Intervals<'a>,
    pub(super) bits: Bits<'a>,
    /// The number of the next interval.
    number: usize,
    /// MCUs of an interval, and MCUs left in this one.
    interval: usize,
    left: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(intervals: &'a Intervals<'_>, restart_interval: u32) -> Self {
        Self {
            intervals,
            bits: Bits::new(intervals.bytes),
            number: 0,
            interval: match restart_interval {
                0 => usize::MAX,
                interval => interval as usize,
            },
            left: 0,
        }
    }

    /// Returns how many of `wanted` MCUs come before the next restart, and whether a new interval
    /// begins with them. `None` if more bits were read of the last interval than it has.
    #[inline(always)]
    pub(super) fn take(&mut self, wanted: usize) -> Option<(usize, bool)> {
        let begins = self.left == 0;
        if begins {
            self.begin()?;
        }
        let taken = wanted.min(self.left);
        self.left -= taken;
        Some((taken, begins))
    }

    fn begin(&mut self) -> Option<()> {
        if self.number > 0 && !self.is_sound() {
            return None;
        }
        let &(start, _) = self.intervals.places.get(self.number)?;
        self.number += 1;
        self.left = self.interval;
        self.bits = Bits::new(self.intervals.bytes.get(start..)?);
        self.bits.fill();
        Some(())
    }

    /// The bits of all intervals together. The next bit's number is this less
    /// [`Bits::left`].
    pub(super) fn all_bits(&self) -> usize {
        8 * self.intervals.bytes.len()
    }

    /// All intervals, each followed by padding.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.intervals.bytes
    }

    /// The number of the next bit.
    pub(super) fn bit(&self) -> usize {
        self.all_bits() - self.bits.left()
    }

    /// Goes on at bit `bit`.
    pub(super) fn go_to(&mut self, bit: usize) {
        self.bits = Bits::new(self.intervals.bytes.get(bit / 8..).unwrap_or_default());
        self.bits.fill();
        self.bits.skip((bit % 8) as u32);
    }

    /// Whether no more bits were read of the interval than it has.
    pub(super) fn is_sound(&self) -> bool {
        let place = self.number.checked_sub(1);
        let Some(&(_, end)) = place.and_then(|number| self.intervals.places.get(number)) else {
            return true;
        };
        let at = self.intervals.bytes.len() - self.bits.rest.len();
        !self.bits.is_over && 8 * at <= 8 * end + self.bits.count as usize
    }
}

/// The next bits of an interval, followed by zeros without end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    /// The next bits, first bit highest. `count` of them are valid; below them there may be bits of
    /// the next byte.
    pub(super) buffer: u64,
    /// At most 63.
    count: u32,
    /// Whether the bytes ran out. This happens only after the padding.
    is_over: bool,
}

impl<'a> Bits<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Self {
            rest,
            buffer: 0,
            count: 0,
            is_over: false,
        }
    }

    /// Makes at least 56 bits available.
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        if let Some(&word) = self.rest.first_chunk() {
            self.buffer |= u64::from_be_bytes(word) >> (self.count & 63);
            self.rest = &self.rest[(self.count as usize ^ 63) >> 3 & 7..];
        } else {
            self.is_over = true;
        }
        self.count |= 56;
    }

    /// Returns the next `count` bits, 0 to 63, which must be available. Does not consume them.
    #[inline(always)]
    pub(super) fn top(&self, count: u32) -> u64 {
        // Two shifts, as a single shift by 64 would overflow when `count` is 0.
        self.buffer >> 1 >> ((63 - count) & 63)
    }

    /// The index of a look-up, whose bits must be available.
    #[inline(always)]
    pub(super) fn index(&self) -> usize {
        (self.buffer >> (64 - LOOKUP)) as usize
    }

    /// Consumes available bits.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.buffer <<= count & 63;
        self.count = self.count.wrapping_sub(count);
    }

    /// How many bits come from the next one on, up to the end of all intervals.
    #[inline(always)]
    pub(super) fn left(&self) -> usize {
        8 * self.rest.len() + self.count as usize
    }

    /// Reads `count` available bits, 0 to 31.
    #[inline(always)]
    pub(super) fn number(&mut self, count: u32) -> u32 {
        let number = self.top(count) as u32;
        self.skip(count);
        number
    }

    /// Appends the next `count` bits, 0 to 63, to `bits`. At least 18 bits are available
    /// afterwards.
    #[inline(always)]
    pub(super) fn append(&mut self, bits: u64, count: u32) -> u64 {
        if count <= ENOUGH {
            let bits = bits << count | self.top(count);
            self.skip(count);
            return bits;
        }
        let (after, bits) = self.append_many(bits, count);
        *self = after;
        bits
    }

    // The reader goes by value. A reference would keep it in memory instead of registers.
    #[cold]
    #[inline(never)]
    fn append_many(mut self, mut bits: u64, count: u32) -> (Self, u64) {
        for count in [count - 32, 32] {
            bits = bits << count | self.top(count);
            self.skip(count);
            self.fill();
        }
        (self, bits)
    }

    /// Reads `count` bits, 0 to 15, as a signed coefficient of that size.
    #[inline(always)]
    pub(super) fn value(&mut self, count: u32) -> i32 {
        let value = self.number(count) as i32;
        extended(value, count)
    }
}

/// After [`Bits::fill`], this many bits can be consumed and leave enough for a code and a sign.
const ENOUGH: u32 = 38;

/// The signed value of `count` bits. A first bit of 0 means a negative value.
#[inline(always)]
pub(super) fn extended(bits: i32, count: u32) -> i32 {
    match bits < (1 << count) >> 1 {
        true => bits - (1 << count) + 1,
        false => bits,
    }
}
