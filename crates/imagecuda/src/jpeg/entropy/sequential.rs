//! The decoder of sequential scans.

use super::{
    NATURAL,
    bits::Bits,
    scanner::ScanDecoder,
    skips::Skips,
    table::{Code, Table},
};
use crate::jpeg::file::Scan;

/// The tables of a scan's components, and each component's last DC coefficient.
pub(super) struct Sequential(Vec<Part>);

struct Part {
    dc: Table,
    ac: Table,
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
                ac: Table::new(component.ac.as_deref()?),
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
        while k < 64 {
            bits.fill();
            // A step takes so few bits that there are enough for another one.
            if let Some(step) = skips.step(bits, k) {
                if step.ends {
                    return;
                }
                k += step.advance;
                if let Some(step) = skips.step(bits, k) {
                    if step.ends {
                        return;
                    }
                    k += step.advance;
                }
                continue;
            }
            match self.ac.read(bits) {
                Code::Value(_, run) => k += u32::from(run) + 1,
                Code::Symbol(0xf0) => k += 16,
                Code::Symbol(symbol) => {
                    let size = symbol & 15;
                    if size == 0 {
                        return;
                    }
                    k += u32::from(symbol >> 4) + 1;
                    bits.skip(size.into());
                }
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
        while k < 64 {
            bits.fill();
            let value = match ac.read(bits) {
                Code::Value(value, run) => {
                    k += usize::from(run);
                    value
                }
                Code::Symbol(0xf0) => {
                    k += 16;
                    continue;
                }
                Code::Symbol(symbol) => {
                    let size = symbol & 15;
                    if size == 0 {
                        return;
                    }
                    k += usize::from(symbol >> 4);
                    bits.value(size.into()) as i16
                }
            };
            block[usize::from(NATURAL[k % NATURAL.len()]) % 64] = value;
            k += 1;
        }
        bits.nonsense |= k > 64;
    }

    fn restart(&mut self) {
        self.0.iter_mut().for_each(|part| part.last = 0);
    }
}
