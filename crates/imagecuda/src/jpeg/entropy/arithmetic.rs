//! Decodes the blocks of arithmetic-coded scans, as Annexes F.2.4 and G.2 of the standard describe.

use super::{
    NATURAL,
    decisions::{Decisions, Statistics},
    scanner::ScanDecoder,
};
use crate::jpeg::file::{ArithmeticTables, Scan};

/// A magnitude of this size is invalid.
const TOO_LARGE: i32 = 1 << 15;

/// The decoder of DC coefficients.
struct Dc {
    parts: Vec<DcPart>,
    /// One area for each table number.
    statistics: [[Statistics; 64]; 16],
}

struct DcPart {
    table: usize,
    small: (u8, u8),
    last: i32,
    /// The first statistics of the next difference, which depend on the last difference.
    context: usize,
}

/// The decoder of AC coefficients.
struct Ac {
    /// For each component: its statistics area, and its last low coefficient.
    parts: Vec<(usize, usize)>,
    statistics: [[Statistics; 256]; 16],
}

/// The distance from the statistics of a magnitude's size to those of its bits.
const BITS: usize = 14;

fn tables(scan: &Scan) -> impl Iterator<Item = ArithmeticTables> {
    scan.components.iter().map(|component| component.arithmetic)
}

impl Dc {
    fn new(scan: &Scan) -> Self {
        let part = |tables: ArithmeticTables| DcPart {
            table: usize::from(tables.dc & 15),
            small: tables.small,
            last: 0,
            context: 0,
        };
        Self {
            parts: tables(scan).map(part).collect(),
            statistics: [[0; 64]; 16],
        }
    }

    /// Decodes the next coefficient of a component. `None` if it is invalid.
    fn next(&mut self, decisions: &mut Decisions<'_>, component: usize) -> Option<i32> {
        let part = self.parts.get_mut(component)?;
        let all = &mut self.statistics[part.table];
        let first = part.context;
        if !decisions.next(&mut all[first]) {
            part.context = 0;
            return Some(part.last);
        }
        let negative = decisions.next(&mut all[first + 1]);
        let mut at = first + 2 + usize::from(negative);
        let mut size = i32::from(decisions.next(&mut all[at]));
        if size > 0 {
            at = 20;
            while decisions.next(&mut all[at]) {
                size <<= 1;
                if size == TOO_LARGE {
                    decisions.fail();
                    return None;
                }
                at += 1;
            }
        }
        let (least, most) = part.small;
        part.context = match size {
            _ if size < 1 << least >> 1 => 0,
            _ if size > 1 << most >> 1 => 12 + 4 * usize::from(negative),
            _ => 4 + 4 * usize::from(negative),
        };
        let value = value(decisions, &mut all[at + BITS], size, negative);
        part.last = (part.last + value) & 0xffff;
        Some(part.last)
    }

    fn restart(&mut self) {
        self.statistics = [[0; 64]; 16];
        for part in &mut self.parts {
            (part.last, part.context) = (0, 0);
        }
    }
}

/// Decodes the bits of a number below its highest bit, `size`, and adds 1 to its magnitude.
fn value(
    decisions: &mut Decisions<'_>,
    statistics: &mut Statistics,
    size: i32,
    negative: bool,
) -> i32 {
    let (mut value, mut bit) = (size, size >> 1);
    while bit > 0 {
        if decisions.next(statistics) {
            value |= bit;
        }
        bit >>= 1;
    }
    if negative { -value - 1 } else { value + 1 }
}

impl Ac {
    fn new(scan: &Scan) -> Self {
        let part = |tables: ArithmeticTables| (usize::from(tables.ac & 15), tables.low.into());
        Self {
            parts: tables(scan).map(part).collect(),
            statistics: [[0; 256]; 16],
        }
    }

    /// Decodes the coefficients of a band, shifted left by `low`.
    fn band(
        &mut self,
        decisions: &mut Decisions<'_>,
        component: usize,
        (first, last): (usize, usize),
        low: u8,
        block: &mut [i16; 64],
    ) {
        let Some(&(table, last_low)) = self.parts.get(component) else {
            return;
        };
        let all = &mut self.statistics[table];
        let mut k = first;
        while k <= last {
            let mut at = 3 * (k - 1);
            if decisions.next(&mut all[at]) {
                return; // the end of the block
            }
            while !decisions.next(&mut all[at + 1]) {
                at += 3;
                k += 1;
                if k > last {
                    return decisions.fail();
                }
            }
            let negative = decisions.even();
            at += 2;
            let mut size = i32::from(decisions.next(&mut all[at]));
            if size > 0 && decisions.next(&mut all[at]) {
                size <<= 1;
                at = if k <= last_low { 189 } else { 217 };
                while decisions.next(&mut all[at]) {
                    size <<= 1;
                    if size == TOO_LARGE {
                        return decisions.fail();
                    }
                    at += 1;
                }
            }
            let value = value(decisions, &mut all[at + BITS], size, negative);
            block[usize::from(NATURAL[k]) % 64] = (value << low) as i16;
            k += 1;
        }
    }

    fn restart(&mut self) {
        self.statistics = [[0; 256]; 16];
    }
}

/// A sequential scan.
pub(super) struct Sequential(Dc, Ac);

impl Sequential {
    pub(super) fn new(scan: &Scan) -> Self {
        Self(Dc::new(scan), Ac::new(scan))
    }
}

impl ScanDecoder for Sequential {
    type Source<'a> = Decisions<'a>;

    fn block(&mut self, decisions: &mut Decisions<'_>, component: usize, block: &mut [i16; 64]) {
        *block = [0; 64];
        if !decisions.has_failed()
            && let Some(dc) = self.0.next(decisions, component)
        {
            block[0] = dc as i16;
            self.1.band(decisions, component, (1, 63), 0, block);
        }
    }

    fn restart(&mut self) {
        self.0.restart();
        self.1.restart();
    }
}

/// The first scan of DC coefficients.
pub(super) struct DcFirst(Dc, u8);

impl DcFirst {
    pub(super) fn new(scan: &Scan) -> Self {
        Self(Dc::new(scan), scan.approximation.1 & 15)
    }
}

impl ScanDecoder for DcFirst {
    type Source<'a> = Decisions<'a>;

    fn block(&mut self, decisions: &mut Decisions<'_>, component: usize, block: &mut [i16; 64]) {
        if !decisions.has_failed()
            && let Some(dc) = self.0.next(decisions, component)
        {
            block[0] = (dc << self.1) as i16;
        }
    }

    fn restart(&mut self) {
        self.0.restart();
    }
}

/// A refinement scan of DC coefficients.
pub(super) struct DcRefine(i16);

impl DcRefine {
    pub(super) fn new(scan: &Scan) -> Self {
        Self(1 << (scan.approximation.1 & 15))
    }
}

impl ScanDecoder for DcRefine {
    type Source<'a> = Decisions<'a>;

    fn block(&mut self, decisions: &mut Decisions<'_>, _: usize, block: &mut [i16; 64]) {
        if decisions.even() {
            block[0] |= self.0;
        }
    }

    fn restart(&mut self) {}
}

/// The first scan of a band of AC coefficients.
pub(super) struct AcFirst {
    ac: Ac,
    band: (usize, usize),
    low: u8,
}

impl AcFirst {
    pub(super) fn new(scan: &Scan) -> Self {
        Self {
            ac: Ac::new(scan),
            band: band(scan),
            low: scan.approximation.1 & 15,
        }
    }
}

impl ScanDecoder for AcFirst {
    type Source<'a> = Decisions<'a>;

    fn block(&mut self, decisions: &mut Decisions<'_>, component: usize, block: &mut [i16; 64]) {
        if !decisions.has_failed() {
            self.ac
                .band(decisions, component, self.band, self.low, block);
        }
    }

    fn restart(&mut self) {
        self.ac.restart();
    }
}

/// A refinement scan of a band of AC coefficients.
pub(super) struct AcRefine {
    ac: Ac,
    band: (usize, usize),
    one: i16,
}

impl AcRefine {
    pub(super) fn new(scan: &Scan) -> Self {
        Self {
            ac: Ac::new(scan),
            band: band(scan),
            one: 1 << (scan.approximation.1 & 15),
        }
    }
}

impl ScanDecoder for AcRefine {
    type Source<'a> = Decisions<'a>;

    fn block(&mut self, decisions: &mut Decisions<'_>, component: usize, block: &mut [i16; 64]) {
        let Some(&(table, _)) = self.ac.parts.get(component) else {
            return;
        };
        if decisions.has_failed() {
            return;
        }
        let all = &mut self.ac.statistics[table];
        let ((first, last), one) = (self.band, self.one);
        let place = |k: usize| usize::from(NATURAL[k]) % 64;
        // The last coefficient that is not zero yet. The end of the block cannot come before it.
        let end = (1..=last).rev().find(|&k| block[place(k)] != 0);
        let end = end.unwrap_or(0);
        let mut k = first;
        while k <= last {
            let mut at = 3 * (k - 1);
            if k > end && decisions.next(&mut all[at]) {
                return;
            }
            loop {
                let coefficient = &mut block[place(k)];
                if *coefficient != 0 {
                    if decisions.next(&mut all[at + 2]) {
                        let more = if *coefficient < 0 { -one } else { one };
                        *coefficient = coefficient.wrapping_add(more);
                    }
                    break;
                }
                if decisions.next(&mut all[at + 1]) {
                    *coefficient = if decisions.even() { -one } else { one };
                    break;
                }
                at += 3;
                k += 1;
                if k > last {
                    return decisions.fail();
                }
            }
            k += 1;
        }
    }

    fn restart(&mut self) {
        self.ac.restart();
    }
}

/// The first and the last coefficient of a scan of AC coefficients.
fn band(scan: &Scan) -> (usize, usize) {
    let (first, last) = scan.spectral;
    (usize::from(first).max(1), usize::from(last).min(63))
}
