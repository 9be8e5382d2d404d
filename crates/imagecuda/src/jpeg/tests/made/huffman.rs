//! A Huffman encoder with one code for all files.

use super::{Coder, MadeScan, coefficient, stuffed};

/// Both tables: sizes up to `largest` have codes of 5 bits, and other symbols those of 8 and 9.
pub(super) fn segment(largest: u8) -> Vec<u8> {
    let mut out = vec![0x00];
    out.extend([0, 0, 0, 0, largest + 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend(0..=largest);
    out.push(0x10);
    out.extend([0, 0, 0, 0, 0, 0, 0, 128, 128, 0, 0, 0, 0, 0, 0, 0]);
    out.extend(0..=255);
    out
}

/// Data in the making.
#[derive(Default)]
pub(super) struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.0
            .extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
    }

    /// A symbol of the first table.
    pub(super) fn size(&mut self, size: u32) {
        self.put(size, 5);
    }

    /// A symbol of the second table.
    fn symbol(&mut self, symbol: u32) {
        match symbol {
            0..128 => self.put(symbol, 8),
            _ => self.put(symbol - 128 + 256, 9),
        }
    }

    /// The bits of a value after its size.
    pub(super) fn value(&mut self, value: i32) {
        let size = size(value);
        let value = if value < 0 { value - 1 } else { value };
        self.put(value as u32 & ((1 << size) - 1), size);
    }

    pub(super) fn end(&mut self) -> Vec<u8> {
        while !self.0.len().is_multiple_of(8) {
            self.0.push(true);
        }
        let byte = |bits: &[bool]| bits.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
        let bytes = self.0.chunks(8).map(byte).collect();
        self.0.clear();
        stuffed(bytes)
    }
}

/// The bits of a value.
pub(super) fn size(value: i32) -> u32 {
    32 - value.unsigned_abs().leading_zeros()
}

#[derive(Default)]
pub(super) struct Blocks {
    bits: Bits,
    last: [i32; 4],
}

impl Blocks {
    fn ac(&mut self, scan: &MadeScan, first: u8, block: &[i16; 64]) {
        let mut run = 0;
        for k in first..=scan.spectral.1 {
            let value = coefficient(block, k, scan.approximation.1);
            if value == 0 {
                run += 1;
                continue;
            }
            while run > 15 {
                self.bits.symbol(0xf0);
                run -= 16;
            }
            self.bits.symbol(run << 4 | size(value));
            self.bits.value(value);
            run = 0;
        }
        if run > 0 {
            self.bits.symbol(0);
        }
    }

    fn refine(&mut self, scan: &MadeScan, block: &[i16; 64]) {
        let (first, last) = scan.spectral;
        let value = |k| coefficient(block, k, scan.approximation.1);
        let is_new = |k: &u8| value(*k).abs() == 1;
        let end = (first..=last).rev().find(is_new).unwrap_or(0);
        let (mut run, mut corrections) = (0, Vec::new());
        for k in first..=last {
            if value(k) == 0 {
                run += 1;
                continue;
            }
            while run > 15 && k <= end {
                self.bits.symbol(0xf0);
                self.bits.0.append(&mut corrections);
                run -= 16;
            }
            if is_new(&k) {
                self.bits.symbol(run << 4 | 1);
                self.bits.value(value(k));
                self.bits.0.append(&mut corrections);
                run = 0;
            } else {
                corrections.push(value(k) & 1 == 1);
            }
        }
        if run > 0 || !corrections.is_empty() {
            self.bits.symbol(0);
            self.bits.0.append(&mut corrections);
        }
    }
}

impl Coder for Blocks {
    fn block(&mut self, scan: &MadeScan, component: usize, block: &[i16; 64]) {
        let (first, last) = scan.spectral;
        let (before, now) = scan.approximation;
        match (first, before) {
            (0, 0) => {
                let value = coefficient(block, 0, now);
                let difference = value - self.last[component];
                self.last[component] = value;
                self.bits.size(size(difference));
                self.bits.value(difference);
            }
            (0, _) => self.bits.put(coefficient(block, 0, now) as u32 & 1, 1),
            _ => {}
        }
        match before {
            _ if last == 0 => {}
            0 => self.ac(scan, first.max(1), block),
            _ => self.refine(scan, block),
        }
    }

    fn end(&mut self) -> Vec<u8> {
        self.last = [0; 4];
        self.bits.end()
    }
}
