//! The decoder of sequential scans.

use super::{
    NATURAL,
    bits::{Bits, MANY},
    scanner::ScanDecoder,
    skips::{self, Skips},
    table::{Ac, AcTable, Code, Table},
};
use crate::jpeg::file::Scan;

/// Steps over codes for which a refill makes enough bits available.
const STEPS: u32 = MANY / skips::WINDOW;

/// The tables of a scan's components, and each component's last DC coefficient.
pub(super) struct Sequential(Vec<Part>);

struct Part {
    dc: Table,
    ac: AcTable,
    /// For a component of which only the means of blocks are wanted: its AC codes are passed over.
    skips: Option<Skips>,
    last: i32,
}

impl Sequential {
    /// `None` if a table is missing.
    pub(super) fn new(scan: &Scan) -> Option<Self> {
        let part = |component: &super::ScanComponent| {
            Some(Part {
                dc: Table::new(component.dc.as_deref()?),
                ac: AcTable::new(component.ac.as_deref()?),
                skips: None,
                last: 0,
            })
        };
        let parts: Option<Vec<_>> = scan.components.iter().map(part).collect();
        Some(Self(parts?))
    }

    /// Decodes only the DC coefficients of components for which `is_mean` is true, and leaves the others of
    /// their blocks as they are. Its argument is a component's number in the picture.
    pub(super) fn skip_ac(&mut self, scan: &Scan, is_mean: impl Fn(usize) -> bool) {
        for (part, component) in self.0.iter_mut().zip(&scan.components) {
            if is_mean(component.index) {
                part.skips = component.ac.as_deref().map(Skips::new);
            }
        }
    }
}

impl Part {
    #[inline(always)]
    fn dc(&mut self, bits: &mut Bits<'_>) -> i16 {
        bits.fill();
        let difference = match self.dc.read(bits) {
            Code::Value(value, 0) => value.into(),
            Code::Value(..) => 0, // no size is that large
            Code::Symbol(size) => bits.value(u32::from(size & 15)),
        };
        self.last = self.last.wrapping_add(difference);
        self.last as i16
    }

    /// Passes over the AC codes of a block.
    #[inline(always)]
    fn skip(&self, skips: &Skips, bits: &mut Bits<'_>) {
        let mut k = 1;
        'codes: while k < 64 {
            bits.refill();
            for _ in 0..STEPS {
                let Some(step) = skips.step(bits, k) else {
                    bits.fill();
                    match self.ac.read(bits) {
                        Ac::Value(run, _) => k += run as u32 + 1,
                        Ac::Zeros => k += 16,
                        Ac::End => return,
                    }
                    continue 'codes;
                };
                if step.ends {
                    return;
                }
                k += step.advance;
            }
        }
        bits.nonsense |= k > 64;
    }
}

impl ScanDecoder for Sequential {
    type Source<'a> = Bits<'a>;

    #[inline(always)]
    fn block(&mut self, bits: &mut Bits<'_>, component: usize, block: &mut [i16; 64]) {
        let Some(part) = self.0.get_mut(component) else {
            return;
        };
        if part.skips.is_some() {
            block[0] = part.dc(bits);
            if let Some(skips) = &part.skips {
                part.skip(skips, bits);
            }
            return;
        }
        // The block is cleared here, right before it is written, so that it is in the cache.
        *block = [0; 64];
        block[0] = part.dc(bits);
        let ac = &part.ac;
        let mut k = 1;
        'block: while k < 64 {
            bits.refill();
            // There are enough bits for two codes.
            for _ in 0..2 {
                match ac.read(bits) {
                    Ac::Value(run, value) => {
                        k += run;
                        block[usize::from(NATURAL[k % NATURAL.len()]) % 64] = value;
                        k += 1;
                    }
                    Ac::Zeros => k += 16,
                    Ac::End => return,
                }
                if k >= 64 {
                    break 'block;
                }
            }
        }
        bits.nonsense |= k > 64;
    }

    fn restart(&mut self) {
        self.0.iter_mut().for_each(|part| part.last = 0);
    }
}
