//! The decoder of sequential scans.

use super::{
    NATURAL,
    bits::Bits,
    scanner::ScanDecoder,
    table::{Code, Table},
};
use crate::jpeg::file::Scan;

/// The tables of a scan's components, and each component's last DC coefficient.
pub(super) struct Sequential(Vec<Part>);

struct Part {
    dc: Table,
    ac: Table,
    last: i32,
}

impl Sequential {
    /// `None` if a table is missing.
    pub(super) fn new(scan: &Scan) -> Option<Self> {
        let part = |component: &super::ScanComponent| {
            Some(Part {
                dc: Table::new(component.dc.as_deref()?),
                ac: Table::new(component.ac.as_deref()?),
                last: 0,
            })
        };
        let parts: Option<Vec<_>> = scan.components.iter().map(part).collect();
        Some(Self(parts?))
    }
}

impl ScanDecoder for Sequential {
    type Source<'a> = Bits<'a>;

    #[inline(always)]
    fn block(&mut self, bits: &mut Bits<'_>, component: usize, block: &mut [i16; 64]) {
        let Some(Part { dc, ac, last }) = self.0.get_mut(component) else {
            return;
        };
        // The block is cleared here, right before it is written, so that it is in the cache.
        *block = [0; 64];
        bits.fill();
        let difference = match dc.read(bits) {
            Code::Value(value, 0) => value.into(),
            Code::Value(..) => 0, // no size is that large
            Code::Symbol(size) => bits.value(u32::from(size & 15)),
        };
        *last = last.wrapping_add(difference);
        block[0] = *last as i16;
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
