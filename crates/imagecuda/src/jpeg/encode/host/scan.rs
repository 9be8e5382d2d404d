//! The data units of a scan in order, and what becomes of them.

use super::{super::Counts, bits::Bits, rows::CodedUnit};
use imagecuda_kernels::jpeg::encode::{
    coding::{self, Tables},
    frame::Frame,
};

/// Where a scan is: what predicts the next first coefficients.
pub(super) struct Scan<'a> {
    frame: &'a Frame,
    last: [i16; 3],
}

impl<'a> Scan<'a> {
    /// At the start, or after a restart marker.
    pub(super) fn new(frame: &'a Frame) -> Self {
        Self {
            frame,
            last: [0; 3],
        }
    }

    /// After an MCU.
    pub(super) fn after(frame: &'a Frame, mcu: &[CodedUnit]) -> Self {
        let luma = (frame.h * frame.v) as usize;
        let mut last = [0; 3];
        for (last, unit) in last.iter_mut().zip(&mcu[luma - 1..]) {
            *last = unit.0[0];
        }
        Self { frame, last }
    }

    /// Gives the units of whole MCUs to `take`.
    #[inline(always)]
    pub(super) fn each(&mut self, blocks: &[CodedUnit], take: &mut impl Take) {
        let units = self.frame.units_of_mcu() as usize;
        let luma = (self.frame.h * self.frame.v) as usize;
        let mut give = |last: &mut i16, kind, unit: &CodedUnit| {
            let dc = unit.0[0];
            let before = std::mem::replace(last, dc);
            take.unit(kind, i32::from(dc) - i32::from(before), unit);
        };
        let [last, others @ ..] = &mut self.last;
        for mcu in blocks.chunks_exact(units) {
            let (of_luma, of_chroma) = mcu.split_at(luma);
            for unit in of_luma {
                give(last, 0, unit);
            }
            for (last, unit) in others.iter_mut().zip(of_chroma) {
                give(last, 1, unit);
            }
        }
    }
}

/// What takes data units.
pub(super) trait Take {
    /// A unit of luma (0) or chroma (1), whose first coefficient is `difference` more than the one
    /// before.
    fn unit(&mut self, kind: usize, difference: i32, unit: &CodedUnit);
}

/// Writes codes.
pub(super) struct Coder<'a> {
    pub(super) tables: &'a [Tables; 2],
    pub(super) bits: Bits,
}

impl<'a> Coder<'a> {
    pub(super) fn new(tables: &'a [Tables; 2]) -> Self {
        let bits = Bits::default();
        Self { tables, bits }
    }
}

impl Take for Coder<'_> {
    #[inline(always)]
    fn unit(&mut self, kind: usize, difference: i32, unit: &CodedUnit) {
        self.bits.code(difference, unit, &self.tables[kind]);
    }
}

/// Counts symbols.
pub(super) struct Counter(pub(super) Box<Counts>);

impl Take for Counter {
    #[inline(always)]
    fn unit(&mut self, kind: usize, difference: i32, CodedUnit(coefficients, mask): &CodedUnit) {
        let counts = &mut self.0[kind];
        let coefficient = |index: u32| i32::from(coefficients[index as usize % 64]);
        coding::symbols(difference, *mask, coefficient, |is_dc, symbol, _, _| {
            counts[usize::from(!is_dc)][usize::from(symbol)] += 1;
        });
    }
}
