//! An arithmetic encoder: Annexes D.1, F.1.4 and G.1.3 of the standard.

use super::{Coder, MadeScan, coefficient, stuffed};
use crate::jpeg::entropy::STATES_OF_PROBABILITY;

/// The conditioning of all tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conditioning {
    /// L and U.
    pub(crate) small: (u8, u8),
    /// Kx.
    pub(crate) low: u8,
}

impl Conditioning {
    /// What holds where a file has none.
    pub(crate) const DEFAULT: Self = Self {
        small: (0, 1),
        low: 5,
    };

    pub(super) fn segment(self) -> [u8; 4] {
        let (least, most) = self.small;
        [0x00, most << 4 | least, 0x10, self.low]
    }
}

/// The code of decisions, as a binary fraction of any length.
struct Decisions {
    bits: Vec<u8>,
    /// The 16 bits that come next, and the width of the interval above them.
    base: u32,
    width: u32,
}

/// A state, and the more probable outcome.
type Statistics = (usize, bool);

impl Decisions {
    fn new() -> Self {
        Self {
            bits: Vec::new(),
            base: 0,
            width: 1 << 16,
        }
    }

    fn put(&mut self, statistics: &mut Statistics, outcome: bool) {
        let (state, more) = *statistics;
        let (less_width, after_less, after_more, switch) = STATES_OF_PROBABILITY[state];
        let less_width = u32::from(less_width);
        let more_width = self.width - less_width;
        // The less probable outcome has the upper part, unless its part is the larger one.
        let is_upper = (outcome != more) == (more_width >= less_width);
        let (base, width) = match is_upper {
            true => (more_width, less_width),
            false => (0, more_width),
        };
        self.add(base);
        self.width = width;
        if width >= 1 << 15 {
            return; // only the more probable outcome
        }
        *statistics = match outcome == more {
            true => (after_more.into(), more),
            false => (after_less.into(), more != (switch == 1)),
        };
        while self.width < 1 << 15 {
            self.width <<= 1;
            self.shift();
        }
    }

    fn even(&mut self, outcome: bool) {
        let (width, more_width) = (0x5a1d, self.width - 0x5a1d);
        let is_upper = outcome == (more_width >= width);
        let (base, width) = match is_upper {
            true => (more_width, width),
            false => (0, more_width),
        };
        self.add(base);
        self.width = width;
        while self.width < 1 << 15 {
            self.width <<= 1;
            self.shift();
        }
    }

    fn add(&mut self, base: u32) {
        self.base += base;
        if self.base >= 1 << 16 {
            self.base -= 1 << 16;
            for bit in self.bits.iter_mut().rev() {
                *bit ^= 1;
                if *bit == 1 {
                    break;
                }
            }
        }
    }

    fn shift(&mut self) {
        self.bits.push((self.base >> 15) as u8);
        self.base = self.base << 1 & 0xffff;
    }

    /// The number in the interval that has the most zeros at its end, without these.
    fn end(mut self) -> Vec<u8> {
        let up = match self.base {
            0 => 0,
            base if base + self.width > 1 << 16 => (1 << 16) - base,
            base => (1 << 15) - base,
        };
        self.add(up);
        self.shift();
        let byte = |bits: &[u8]| {
            let byte = bits.iter().fold(0, |byte, bit| byte << 1 | bit);
            byte << (8 - bits.len())
        };
        let mut bytes: Vec<u8> = self.bits.chunks(8).map(byte).collect();
        while bytes.pop_if(|byte| *byte == 0).is_some() {}
        stuffed(bytes)
    }
}

/// The decisions of blocks.
pub(super) struct Blocks {
    conditioning: Conditioning,
    decisions: Decisions,
    dc: [Statistics; 64],
    ac: [Statistics; 256],
    last: [i32; 4],
    context: [usize; 4],
}

impl Blocks {
    pub(super) fn new(conditioning: Conditioning) -> Self {
        Self {
            conditioning,
            decisions: Decisions::new(),
            dc: [(0, false); 64],
            ac: [(0, false); 256],
            last: [0; 4],
            context: [0; 4],
        }
    }

    fn dc(&mut self, component: usize, value: i32) {
        let difference = value - self.last[component];
        self.last[component] = value;
        let (decisions, all) = (&mut self.decisions, &mut self.dc);
        let at = self.context[component];
        decisions.put(&mut all[at], difference != 0);
        if difference == 0 {
            self.context[component] = 0;
            return;
        }
        let negative = difference < 0;
        decisions.put(&mut all[at + 1], negative);
        let mut at = at + 2 + usize::from(negative);
        let rest = difference.abs() - 1;
        decisions.put(&mut all[at], rest > 0);
        // The highest bit of the rest.
        let mut high = 0;
        if rest > 0 {
            (at, high) = (20, 1);
            while rest >> 1 >= high {
                decisions.put(&mut all[at], true);
                (at, high) = (at + 1, high << 1);
            }
            decisions.put(&mut all[at], false);
        }
        let (least, most) = self.conditioning.small;
        let sign = 4 * usize::from(negative);
        self.context[component] = match high {
            _ if high < 1 << least >> 1 => 0,
            _ if high > 1 << most >> 1 => 12 + sign,
            _ => 4 + sign,
        };
        while high > 1 {
            high >>= 1;
            decisions.put(&mut all[at + 14], rest & high != 0);
        }
    }

    fn ac(&mut self, scan: &MadeScan, first: u8, block: &[i16; 64]) {
        let (decisions, all) = (&mut self.decisions, &mut self.ac);
        let last = scan.spectral.1;
        let value = |k| coefficient(block, k, scan.approximation.1);
        let end = (first..=last).rev().find(|&k| value(k) != 0).unwrap_or(0);
        let mut k = first;
        while k <= end {
            let mut at = 3 * usize::from(k - 1);
            decisions.put(&mut all[at], false);
            while value(k) == 0 {
                decisions.put(&mut all[at + 1], false);
                (at, k) = (at + 3, k + 1);
            }
            decisions.put(&mut all[at + 1], true);
            decisions.even(value(k) < 0);
            at += 2;
            let rest = value(k).abs() - 1;
            decisions.put(&mut all[at], rest > 0);
            let mut high = 1;
            if rest > 0 {
                if rest > 1 {
                    decisions.put(&mut all[at], true);
                    at = if k <= self.conditioning.low { 189 } else { 217 };
                    high = 2;
                    while rest >> 1 >= high {
                        decisions.put(&mut all[at], true);
                        (at, high) = (at + 1, high << 1);
                    }
                }
                decisions.put(&mut all[at], false);
            }
            while high > 1 {
                high >>= 1;
                decisions.put(&mut all[at + 14], rest & high != 0);
            }
            k += 1;
        }
        if k <= last {
            decisions.put(&mut all[3 * usize::from(k - 1)], true);
        }
    }

    fn refine(&mut self, scan: &MadeScan, block: &[i16; 64]) {
        let (decisions, all) = (&mut self.decisions, &mut self.ac);
        let ((first, last), (before, now)) = (scan.spectral, scan.approximation);
        let value = |k| coefficient(block, k, now);
        let known = |k: &u8| coefficient(block, *k, before) != 0;
        let known_end = (1..=last).rev().find(known).unwrap_or(0);
        let end = (first..=last).rev().find(|&k| value(k) != 0).unwrap_or(0);
        let mut k = first;
        while k <= end {
            let mut at = 3 * usize::from(k - 1);
            if k > known_end {
                decisions.put(&mut all[at], false);
            }
            while value(k) == 0 {
                decisions.put(&mut all[at + 1], false);
                (at, k) = (at + 3, k + 1);
            }
            match known(&k) {
                true => decisions.put(&mut all[at + 2], value(k) & 1 != 0),
                false => {
                    decisions.put(&mut all[at + 1], true);
                    decisions.even(value(k) < 0);
                }
            }
            k += 1;
        }
        if k <= last {
            decisions.put(&mut all[3 * usize::from(k - 1)], true);
        }
    }
}

impl Coder for Blocks {
    fn block(&mut self, scan: &MadeScan, component: usize, block: &[i16; 64]) {
        let (first, last) = scan.spectral;
        let (before, now) = scan.approximation;
        match (first, before) {
            (0, 0) => self.dc(component, coefficient(block, 0, now)),
            (0, _) => self.decisions.even(coefficient(block, 0, now) & 1 != 0),
            _ => {}
        }
        match before {
            _ if last == 0 => {}
            0 => self.ac(scan, first.max(1), block),
            _ => self.refine(scan, block),
        }
    }

    fn end(&mut self) -> Vec<u8> {
        let next = Self::new(self.conditioning);
        std::mem::replace(self, next).decisions.end()
    }
}
