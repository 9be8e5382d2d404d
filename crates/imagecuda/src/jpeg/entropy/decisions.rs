//! The arithmetic decoder: it decodes binary decisions, as Annex D of the standard describes.

use super::scanner::Source;

/// An adaptive probability: the state of the estimate, and in the highest bit the more probable
/// outcome.
pub(super) type Statistics = u8;

/// The fixed probability of one half.
pub(super) const EVEN: Statistics = 113;

/// The decoder of one restart interval. After the end of the data it reads zeros, because an encoder
/// omits zeros at the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decisions<'a> {
    data: &'a [u8],
    at: usize,
    /// The data that were read, minus the base of the coding interval.
    code: u32,
    /// The width of the coding interval.
    width: u32,
    /// The number of low bits of `code` that are not compared with the width yet.
    spare: u32,
    /// Whether an invalid code was read: a number that is too large, or a coefficient after the last.
    failed: bool,
}

impl Default for Decisions<'_> {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl<'a> Source<'a> for Decisions<'a> {
    fn new(data: &'a [u8]) -> Self {
        let mut new = Self {
            data,
            at: 0,
            code: 0,
            width: 1 << 16,
            spare: 0,
            failed: false,
        };
        new.code = new.byte() << 8;
        new.code |= new.byte();
        new
    }

    // The end of the data cannot be distinguished from zeros.
    fn is_exhausted(&self) -> bool {
        false
    }

    #[inline(always)]
    fn is_nonsense(&self) -> bool {
        self.failed
    }

    #[inline(always)]
    fn is_made_up(&self) -> bool {
        self.data.is_empty()
    }
}

impl Decisions<'_> {
    /// The next byte, without stuffed zeros.
    #[inline(always)]
    fn byte(&mut self) -> u32 {
        match self.data.get(self.at) {
            Some(&byte) if byte != 0xff => {
                self.at += 1;
                byte.into()
            }
            _ => self.marked_byte(),
        }
    }

    #[cold]
    fn marked_byte(&mut self) -> u32 {
        let rest = self.data.get(self.at..).unwrap_or_default();
        let fill = rest.iter().take_while(|&&byte| byte == 0xff).count();
        match rest.get(fill) {
            Some(0) if fill > 0 => {
                self.at += fill + 1;
                0xff
            }
            _ => {
                self.at = self.data.len();
                0
            }
        }
    }

    /// The outcome of the next decision.
    #[inline]
    pub(super) fn next(&mut self, statistics: &mut Statistics) -> bool {
        while self.width < 1 << 15 {
            if self.spare == 0 {
                self.code = self.code << 8 | self.byte();
                self.spare = 8;
            }
            self.spare -= 1;
            self.width <<= 1;
        }
        let State {
            width,
            after_less,
            after_more,
        } = STATES[usize::from(*statistics & 127)];
        let more = *statistics & 128;
        let width = u32::from(width);
        // The lower part belongs to the more probable outcome, unless it is the smaller part.
        let lower = self.width - width;
        let is_lower = self.code < lower << self.spare;
        let is_more = is_lower == (lower >= width);
        if is_lower {
            self.width = lower;
            if lower >= 1 << 15 {
                return more != 0;
            }
        } else {
            self.code -= lower << self.spare;
            self.width = width;
        }
        let after = if is_more { after_more } else { after_less };
        *statistics = more ^ after;
        (more != 0) == is_more
    }

    /// The outcome of the next decision, whose outcomes are equally probable.
    #[inline]
    pub(super) fn even(&mut self) -> bool {
        self.next(&mut { EVEN })
    }

    #[inline(always)]
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    pub(super) fn fail(&mut self) {
        self.failed = true;
    }
}

/// A state of a probability estimate.
#[derive(Clone, Copy)]
struct State {
    /// The width of the less probable outcome's part.
    width: u16,
    /// The next state after the less probable outcome. If the highest bit is set, the two outcomes
    /// then swap their roles.
    after_less: u8,
    after_more: u8,
}

const STATES: [State; 128] = {
    // The state of the fixed probability does not change.
    let even = State {
        width: 0x5a1d,
        after_less: EVEN,
        after_more: EVEN,
    };
    let mut states = [even; 128];
    let mut i = 0;
    while i < TABLE.len() {
        let (width, after_less, after_more, switch) = TABLE[i];
        states[i] = State {
            width,
            after_less: after_less | switch << 7,
            after_more,
        };
        i += 1;
    }
    states
};

/// Table D.3 of the standard: Qe, the next state after the less probable outcome, the next state after
/// the more probable one, and whether the first of them swaps the outcomes.
#[rustfmt::skip]
pub(in crate::jpeg) const TABLE: [(u16, u8, u8, u8); 113] = [
    (0x5a1d, 1, 1, 1), (0x2586, 14, 2, 0), (0x1114, 16, 3, 0), (0x080b, 18, 4, 0),
    (0x03d8, 20, 5, 0), (0x01da, 23, 6, 0), (0x00e5, 25, 7, 0), (0x006f, 28, 8, 0),
    (0x0036, 30, 9, 0), (0x001a, 33, 10, 0), (0x000d, 35, 11, 0), (0x0006, 9, 12, 0),
    (0x0003, 10, 13, 0), (0x0001, 12, 13, 0), (0x5a7f, 15, 15, 1), (0x3f25, 36, 16, 0),
    (0x2cf2, 38, 17, 0), (0x207c, 39, 18, 0), (0x17b9, 40, 19, 0), (0x1182, 42, 20, 0),
    (0x0cef, 43, 21, 0), (0x09a1, 45, 22, 0), (0x072f, 46, 23, 0), (0x055c, 48, 24, 0),
    (0x0406, 49, 25, 0), (0x0303, 51, 26, 0), (0x0240, 52, 27, 0), (0x01b1, 54, 28, 0),
    (0x0144, 56, 29, 0), (0x00f5, 57, 30, 0), (0x00b7, 59, 31, 0), (0x008a, 60, 32, 0),
    (0x0068, 62, 33, 0), (0x004e, 63, 34, 0), (0x003b, 32, 35, 0), (0x002c, 33, 9, 0),
    (0x5ae1, 37, 37, 1), (0x484c, 64, 38, 0), (0x3a0d, 65, 39, 0), (0x2ef1, 67, 40, 0),
    (0x261f, 68, 41, 0), (0x1f33, 69, 42, 0), (0x19a8, 70, 43, 0), (0x1518, 72, 44, 0),
    (0x1177, 73, 45, 0), (0x0e74, 74, 46, 0), (0x0bfb, 75, 47, 0), (0x09f8, 77, 48, 0),
    (0x0861, 78, 49, 0), (0x0706, 79, 50, 0), (0x05cd, 48, 51, 0), (0x04de, 50, 52, 0),
    (0x040f, 50, 53, 0), (0x0363, 51, 54, 0), (0x02d4, 52, 55, 0), (0x025c, 53, 56, 0),
    (0x01f8, 54, 57, 0), (0x01a4, 55, 58, 0), (0x0160, 56, 59, 0), (0x0125, 57, 60, 0),
    (0x00f6, 58, 61, 0), (0x00cb, 59, 62, 0), (0x00ab, 61, 63, 0), (0x008f, 61, 32, 0),
    (0x5b12, 65, 65, 1), (0x4d04, 80, 66, 0), (0x412c, 81, 67, 0), (0x37d8, 82, 68, 0),
    (0x2fe8, 83, 69, 0), (0x293c, 84, 70, 0), (0x2379, 86, 71, 0), (0x1edf, 87, 72, 0),
    (0x1aa9, 87, 73, 0), (0x174e, 72, 74, 0), (0x1424, 72, 75, 0), (0x119c, 74, 76, 0),
    (0x0f6b, 74, 77, 0), (0x0d51, 75, 78, 0), (0x0bb6, 77, 79, 0), (0x0a40, 77, 48, 0),
    (0x5832, 80, 81, 1), (0x4d1c, 88, 82, 0), (0x438e, 89, 83, 0), (0x3bdd, 90, 84, 0),
    (0x34ee, 91, 85, 0), (0x2eae, 92, 86, 0), (0x299a, 93, 87, 0), (0x2516, 86, 71, 0),
    (0x5570, 88, 89, 1), (0x4ca9, 95, 90, 0), (0x44d9, 96, 91, 0), (0x3e22, 97, 92, 0),
    (0x3824, 99, 93, 0), (0x32b4, 99, 94, 0), (0x2e17, 93, 86, 0), (0x56a8, 95, 96, 1),
    (0x4f46, 101, 97, 0), (0x47e5, 102, 98, 0), (0x41cf, 103, 99, 0), (0x3c3d, 104, 100, 0),
    (0x375e, 99, 93, 0), (0x5231, 105, 102, 0), (0x4c0f, 106, 103, 0), (0x4639, 107, 104, 0),
    (0x415e, 103, 99, 0), (0x5627, 105, 106, 1), (0x50e7, 108, 107, 0), (0x4b85, 109, 103, 0),
    (0x5597, 110, 109, 0), (0x504f, 111, 107, 0), (0x5a10, 110, 111, 1), (0x5522, 112, 109, 0),
    (0x59eb, 112, 111, 1),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The test sequence of the standard's Annex K.4.1: 256 bits, coded with one context.
    #[test]
    fn the_standards_sequence() {
        let bits = [
            0x00, 0x02, 0x00, 0x51, 0x00, 0x00, 0x00, 0xc0, 0x03, 0x52, 0x87, 0x2a, 0xaa, 0xaa,
            0xaa, 0xaa, 0x82, 0xc0, 0x20, 0x00, 0xfc, 0xd7, 0x9e, 0xf6, 0x74, 0xea, 0xab, 0xf7,
            0x69, 0x7e, 0xe7, 0x4c,
        ];
        let data = [
            0x65, 0x5b, 0x51, 0x44, 0xf7, 0x96, 0x9d, 0x51, 0x78, 0x55, 0xbf, 0xff, 0x00, 0xfc,
            0x51, 0x84, 0xc7, 0xce, 0xf9, 0x39, 0x00, 0x28, 0x7d, 0x46, 0x70, 0x8e, 0xcb, 0xc0,
            0xf6,
        ];
        let mut decisions = Decisions::new(&data);
        let mut statistics = 0;
        for byte in bits {
            let found = (0..8).fold(0, |byte, _| {
                byte << 1 | u8::from(decisions.next(&mut statistics))
            });
            assert_eq!(found, byte);
        }
    }
}
