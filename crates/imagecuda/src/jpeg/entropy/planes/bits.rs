//! The bits of a scan, without what is stuffed in.

use crate::jpeg::file::Scan;

/// Zeros behind each interval, so that no word that begins in its data has those of another.
const PADDING: usize = 16;

/// The data of a scan's intervals between restarts, one after the other.
#[derive(Debug, Default)]
pub(super) struct Intervals {
    bytes: Vec<u8>,
    /// Where in them each interval is.
    places: Vec<(usize, usize)>,
}

impl Intervals {
    /// Those of a scan of so many MCUs. `None` if there are more or fewer restart markers than it
    /// needs, or others.
    pub(super) fn of(scan: &Scan, mcus: u64, file: &[u8]) -> Option<Self> {
        let count = match scan.restart_interval {
            0 => 1,
            interval => mcus.div_ceil(interval.into()),
        };
        if scan.restarts.len() as u64 + 1 != count {
            return None;
        }
        let mut all = Self::default();
        let room = scan.data.len() + PADDING * (scan.restarts.len() + 1);
        all.bytes.try_reserve_exact(room).ok()?;
        let mut start = scan.data.start;
        for (number, end) in scan.restarts.iter().copied().enumerate() {
            if file.get(end + 1) != Some(&(0xd0 + (number % 8) as u8)) {
                return None;
            }
            all.add(file.get(start..end)?);
            start = end + 2;
        }
        all.add(file.get(start..scan.data.end)?);
        Some(all)
    }

    fn add(&mut self, mut data: &[u8]) {
        let start = self.bytes.len();
        while let Some(at) = memchr::memchr(0xff, data) {
            let (before, rest) = data.split_at(at);
            self.bytes.extend_from_slice(before);
            // As the other decoder: any number of fill bytes may be before the 0.
            let fill = rest.iter().take_while(|&&byte| byte == 0xff).count();
            data = match rest.get(fill) {
                Some(0) => {
                    self.bytes.push(0xff);
                    &rest[fill + 1..]
                }
                _ => &[],
            };
        }
        self.bytes.extend_from_slice(data);
        self.places.push((start, self.bytes.len()));
        self.bytes.resize(self.bytes.len() + PADDING, 0);
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// A way through the intervals of a scan.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    intervals: &'a Intervals,
    pub(super) bits: Bits<'a>,
    /// Of the interval that is next.
    number: usize,
    /// MCUs of an interval, and those until the next.
    interval: usize,
    left: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(intervals: &'a Intervals, restart_interval: u32) -> Self {
        Self {
            intervals,
            bits: Bits::new(&intervals.bytes),
            number: 0,
            interval: match restart_interval {
                0 => usize::MAX,
                interval => interval as usize,
            },
            left: 0,
        }
    }

    /// Takes as many of `wanted` MCUs as come before the next restart. Says whether they come
    /// behind one. `None` if more was read of the interval before than there is.
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

    /// Whether no more has been read than there is.
    pub(super) fn is_sound(&self) -> bool {
        let place = self.number.checked_sub(1);
        let Some(&(_, end)) = place.and_then(|number| self.intervals.places.get(number)) else {
            return true;
        };
        let at = self.intervals.bytes.len() - self.bits.rest.len();
        !self.bits.is_over && 8 * at <= 8 * end + self.bits.count as usize
    }
}

/// The next bits, behind which there are zeros without end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    /// From the highest on. Below those that count there may be more of the next byte.
    pub(super) buffer: u64,
    /// 63 at most.
    count: u32,
    /// Whether there are not as many bytes as wanted. That is only so behind the padding.
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

    /// Has 56 bits ready, at least.
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

    /// The next `count` bits, 0 to 63, if they are ready.
    #[inline(always)]
    pub(super) fn top(&self, count: u32) -> u64 {
        // In two steps, as none may be wanted.
        self.buffer >> 1 >> ((63 - count) & 63)
    }

    /// Passes bits that are ready.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.buffer <<= count & 63;
        self.count = self.count.wrapping_sub(count);
    }

    /// The next `count` bits, 0 to 31, if they are ready.
    #[inline(always)]
    pub(super) fn number(&mut self, count: u32) -> u32 {
        let number = self.top(count) as u32;
        self.skip(count);
        number
    }

    /// Appends the next `count` bits, 0 to 63, to `bits`, and has bits ready again: 18 at least.
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

    // What is passed by reference is in memory for good, and no longer in registers.
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

    /// The next `count` bits, 0 to 15, read as a coefficient of that size.
    #[inline(always)]
    pub(super) fn value(&mut self, count: u32) -> i32 {
        let value = self.number(count) as i32;
        extended(value, count)
    }
}

/// So many bits may be taken after [`Bits::fill`] that a code and a sign are left.
const ENOUGH: u32 = 38;

/// What `count` bits stand for: a first bit of 0 is the sign.
#[inline(always)]
pub(super) fn extended(bits: i32, count: u32) -> i32 {
    match bits < (1 << count) >> 1 {
        true => bits - (1 << count) + 1,
        false => bits,
    }
}
