//! The plain decoder of progressive scans. A scan has the higher bits of a band of coefficients, or
//! adds one bit to them.

use super::{
    NATURAL,
    bits::Bits,
    scanner::ScanDecoder,
    table::{Code, Table},
};
use crate::jpeg::file::{Huffman, Scan};

/// A first scan of DC coefficients.
pub(super) struct DcFirst {
    parts: Vec<(Table, i32)>,
    low: u8,
}

impl DcFirst {
    /// `None` if a table is missing.
    pub(super) fn new(scan: &Scan) -> Option<Self> {
        let part = |c: &super::ScanComponent| Some((Table::new(c.dc.as_deref()?), 0));
        let parts: Option<Vec<_>> = scan.components.iter().map(part).collect();
        Some(Self {
            parts: parts?,
            low: scan.approximation.1 & 15,
        })
    }
}

impl ScanDecoder for DcFirst {
    type Source<'a> = Bits<'a>;

    #[inline(always)]
    fn block(&mut self, bits: &mut Bits<'_>, component: usize, block: &mut [i16; 64]) {
        let Some((table, last)) = self.parts.get_mut(component) else {
            return;
        };
        bits.fill();
        let difference = match table.read(bits) {
            Code::Value(value, _) => value.into(),
            Code::Symbol(size) => bits.value(u32::from(size & 15)),
        };
        *last = last.wrapping_add(difference);
        block[0] = (*last << self.low) as i16;
    }

    fn restart(&mut self) {
        self.parts.iter_mut().for_each(|part| part.1 = 0);
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
    type Source<'a> = Bits<'a>;

    #[inline(always)]
    fn block(&mut self, bits: &mut Bits<'_>, _: usize, block: &mut [i16; 64]) {
        if bits.bit() {
            block[0] |= self.0;
        }
    }

    fn restart(&mut self) {}
}

/// The state that both kinds of AC scans have.
struct Band {
    table: Table,
    first: usize,
    last: usize,
    low: u8,
    /// How many more blocks of the end-of-block run there are.
    empty: u32,
}

impl Band {
    fn new(scan: &Scan, table: impl Fn(&Huffman) -> Table) -> Option<Self> {
        Some(Self {
            table: table(scan.components.first()?.ac.as_deref()?),
            first: scan.spectral.0.into(),
            last: usize::from(scan.spectral.1).min(63),
            low: scan.approximation.1 & 15,
            empty: 0,
        })
    }

    /// Reads the rest of an end-of-block symbol. The run is 2^`size` blocks or more.
    #[inline(always)]
    fn read_empty(&mut self, bits: &mut Bits<'_>, size: u8) {
        self.empty = (1 << size) + bits.number(size.into());
    }
}

/// A first scan of AC coefficients.
pub(super) struct AcFirst(Band);

impl AcFirst {
    /// `None` if a table is missing.
    pub(super) fn new(scan: &Scan) -> Option<Self> {
        Band::new(scan, Table::new).map(Self)
    }
}

impl ScanDecoder for AcFirst {
    type Source<'a> = Bits<'a>;

    #[inline(always)]
    fn block(&mut self, bits: &mut Bits<'_>, _: usize, block: &mut [i16; 64]) {
        let band = &mut self.0;
        if band.empty > 0 {
            band.empty -= 1;
            return;
        }
        let mut k = band.first;
        while k <= band.last {
            bits.fill();
            let (value, run) = match band.table.read(bits) {
                Code::Value(value, run) => (value.into(), run),
                Code::Symbol(0xf0) => {
                    k += 16;
                    continue;
                }
                Code::Symbol(symbol) if symbol & 15 == 0 => {
                    band.read_empty(bits, symbol >> 4);
                    band.empty -= 1;
                    return;
                }
                Code::Symbol(symbol) => (bits.value(u32::from(symbol & 15)), symbol >> 4),
            };
            k += usize::from(run);
            block[usize::from(NATURAL[k % NATURAL.len()]) % 64] = (value << band.low) as i16;
            k += 1;
        }
        bits.nonsense |= k > band.last + 1;
    }

    fn restart(&mut self) {
        self.0.empty = 0;
    }
}

/// A refinement scan of AC coefficients.
pub(super) struct AcRefine(Band);

impl AcRefine {
    /// `None` if a table is missing.
    pub(super) fn new(scan: &Scan) -> Option<Self> {
        Band::new(scan, Table::of_symbols).map(Self)
    }
}

impl ScanDecoder for AcRefine {
    type Source<'a> = Bits<'a>;

    #[inline(always)]
    fn block(&mut self, bits: &mut Bits<'_>, _: usize, block: &mut [i16; 64]) {
        let band = &mut self.0;
        let one = 1i16 << band.low;
        let mut k = band.first;
        while band.empty == 0 && k <= band.last {
            bits.fill();
            let symbol = band.table.symbol(bits);
            let (mut run, size) = (symbol >> 4, symbol & 15);
            let new = match size {
                0 if run < 15 => {
                    band.read_empty(bits, run);
                    break;
                }
                0 => 0,
                _ => {
                    bits.nonsense |= size != 1;
                    if bits.bit() { one } else { -one }
                }
            };
            // Only zeros count for the run. A nonzero coefficient gets a correction bit.
            while k <= band.last {
                let old = &mut block[usize::from(NATURAL[k % NATURAL.len()]) % 64];
                if *old != 0 {
                    refine(bits, old, one);
                } else if run == 0 {
                    break;
                } else {
                    run -= 1;
                }
                k += 1;
            }
            if new != 0 {
                bits.nonsense |= k > band.last;
                block[usize::from(NATURAL[k % NATURAL.len()]) % 64] = new;
            }
            k += 1;
        }
        if band.empty > 0 {
            band.empty -= 1;
            while k <= band.last {
                let old = &mut block[usize::from(NATURAL[k % NATURAL.len()]) % 64];
                if *old != 0 {
                    refine(bits, old, one);
                }
                k += 1;
            }
        }
    }

    fn restart(&mut self) {
        self.0.empty = 0;
    }
}

#[inline(always)]
fn refine(bits: &mut Bits<'_>, old: &mut i16, one: i16) {
    if bits.bit() && *old & one == 0 {
        *old = old.wrapping_add(if *old >= 0 { one } else { -one });
    }
}
