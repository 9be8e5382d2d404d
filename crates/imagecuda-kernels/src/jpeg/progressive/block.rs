//! The coefficients of one block.

use super::{
    super::bits::WordSource,
    Band, Start,
    symbols::{Reader, Symbols},
};

/// The coefficients of a block while it is decoded, by their numbers in zigzag order: below 64.
pub trait Coefficients {
    /// A coefficient, at first 0.
    fn get(&self, k: u32) -> i16;

    /// Changes a coefficient.
    fn set(&mut self, k: u32, value: i16);
}

/// A block, and which of its AC coefficients are not zero: number k has bit `63 - k`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Block<C> {
    /// The coefficients.
    pub coefficients: C,
    some: u64,
}

const fn bit(k: u32) -> u64 {
    1 << (63 - (k & 63))
}

impl<C: Coefficients> Block<C> {
    /// A block whose AC coefficients are 0.
    #[inline(always)]
    pub fn new(coefficients: C) -> Self {
        Self {
            coefficients,
            some: 0,
        }
    }

    /// Adds what a scan has of the block.
    #[inline(always)]
    pub fn add<W: WordSource>(&mut self, band: Band, symbols: &Symbols, words: W, start: Start) {
        match (band.refines, start.is_ended()) {
            (0, true) => {}
            (0, false) => self.begin(band, Reader::new(symbols, words, start.bit())),
            (_, is_ended) => {
                self.refine(band, Reader::new(symbols, words, start.bit()), is_ended);
            }
        }
    }

    /// Adds the first scan of a band.
    #[inline(always)]
    fn begin<W: WordSource>(&mut self, band: Band, mut bits: Reader<'_, W>) {
        let mut k = band.first;
        while k <= band.last {
            let (zeros, size) = bits.symbol();
            if size == 0 {
                if zeros < 15 {
                    break;
                }
                k += 16;
                continue;
            }
            k += zeros;
            let number = bits.number(size);
            // A first bit of 0 means a negative number.
            let below = u32::from(number >> (size - 1) == 0);
            let value = number.wrapping_sub(below * ((1 << size) - 1)) << band.low;
            if k <= band.last {
                self.coefficients.set(k & 63, value as i16);
                self.some |= bit(k);
            }
            k += 1;
        }
    }

    /// Adds a bit to all coefficients of a band.
    #[inline(always)]
    fn refine<W: WordSource>(&mut self, band: Band, mut bits: Reader<'_, W>, is_ended: bool) {
        let old = self.some;
        let one = 1i16 << (band.low & 15);
        let mut k = band.first;
        // The zeros to pass before the next coefficient, and its value. After the last symbol all
        // are passed.
        let (mut zeros, mut value) = (u32::MAX, 0);
        let mut is_over = is_ended;
        while k <= band.last {
            if !is_over {
                let (run, size) = bits.symbol();
                (zeros, value) = (run, 0);
                if size > 0 {
                    value = if bits.number(1) == 1 { one } else { -one };
                } else if run < 15 {
                    // The number of blocks of the run is not needed, but its bits are passed.
                    if run > 0 {
                        bits.number(run);
                    }
                    (zeros, is_over) = (u32::MAX, true);
                }
            }
            while k <= band.last {
                if old & bit(k) != 0 {
                    if bits.number(1) == 1 {
                        let before = self.coefficients.get(k & 63);
                        let by = if before < 0 { -one } else { one };
                        self.coefficients.set(k & 63, before.wrapping_add(by));
                    }
                } else if zeros == 0 {
                    if value != 0 {
                        self.coefficients.set(k & 63, value);
                        self.some |= bit(k);
                    }
                    k += 1;
                    break;
                } else {
                    zeros -= 1;
                }
                k += 1;
            }
        }
    }
}
