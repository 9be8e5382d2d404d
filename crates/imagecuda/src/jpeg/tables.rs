//! The quantization and Huffman tables that a file has defined so far.

use super::file::{ArithmeticTables, Huffman};
use crate::{Error, Result};
use imagecuda_kernels::jpeg::scan::NATURAL;
use std::sync::Arc;

/// All tables by their numbers, at one place in a file.
#[derive(Debug)]
pub(super) struct Tables {
    /// The quantization tables in natural order.
    pub(super) quantizers: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<Arc<Huffman>>; 4],
    pub(super) ac: [Option<Arc<Huffman>>; 4],
    /// The conditioning of arithmetic coding. See [`ArithmeticTables`].
    small: [(u8, u8); 16],
    low: [u8; 16],
}

impl Tables {
    /// No quantization tables, and the standard's example Huffman tables, which motion JPEG leaves
    /// out.
    pub(super) fn new() -> Self {
        let table = |counts: [u8; 16], symbols: &[u8]| {
            let symbols = symbols.to_vec();
            Some(Arc::new(Huffman { counts, symbols }))
        };
        let differences: Vec<u8> = (0..12).collect();
        Self {
            quantizers: [None; 4],
            dc: [
                table(LUMA_DC, &differences),
                table(CHROMA_DC, &differences),
                None,
                None,
            ],
            ac: [
                table(LUMA_AC, &LUMA_AC_SYMBOLS),
                table(CHROMA_AC, &CHROMA_AC_SYMBOLS),
                None,
                None,
            ],
            small: [(0, 1); 16],
            low: [5; 16],
        }
    }

    /// Reads a DQT segment.
    pub(super) fn define_quantizers(&mut self, mut segment: &[u8]) -> Result<()> {
        while let [info, rest @ ..] = segment {
            let wide = info >> 4 != 0;
            let length = if wide { 128 } else { 64 };
            let values = rest.get(..length).ok_or_else(broken)?;
            let table = self.quantizers.get_mut(usize::from(info & 15));
            let table = table.ok_or_else(broken)?.insert([0; 64]);
            for (k, &place) in NATURAL.iter().enumerate() {
                table[usize::from(place)] = match wide {
                    true => u16::from_be_bytes([values[2 * k], values[2 * k + 1]]),
                    false => values[k].into(),
                };
            }
            segment = &rest[length..];
        }
        Ok(())
    }

    /// Reads a DHT segment.
    pub(super) fn define_codes(&mut self, mut segment: &[u8]) -> Result<()> {
        while let [info, rest @ ..] = segment {
            let (&counts, rest) = rest.split_first_chunk::<16>().ok_or_else(broken)?;
            let count = counts.iter().map(|&n| usize::from(n)).sum();
            if count > 256 {
                return Err(broken());
            }
            let symbols = rest.get(..count).ok_or_else(broken)?.to_vec();
            let tables = match info >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(broken()),
            };
            let table = tables.get_mut(usize::from(info & 15));
            *table.ok_or_else(broken)? = Some(Arc::new(Huffman { counts, symbols }));
            segment = &rest[count..];
        }
        Ok(())
    }
}

impl Tables {
    /// Reads a DAC segment.
    pub(super) fn define_conditioning(&mut self, segment: &[u8]) -> Result<()> {
        let (pairs, rest) = segment.as_chunks();
        for &[info, value] in pairs {
            let number = usize::from(info & 15);
            let (least, most) = (value & 15, value >> 4);
            match info >> 4 {
                0 if least <= most => self.small[number] = (least, most),
                1 => self.low[number] = value,
                _ => return Err(broken()),
            }
        }
        match rest {
            [] => Ok(()),
            _ => Err(broken()),
        }
    }

    /// The arithmetic tables of a component, which a scan header names by one byte.
    pub(super) fn arithmetic(&self, numbers: u8) -> ArithmeticTables {
        let (dc, ac) = (numbers >> 4, numbers & 15);
        ArithmeticTables {
            dc,
            ac,
            small: self.small[usize::from(dc)],
            low: self.low[usize::from(ac)],
        }
    }
}

impl Huffman {
    /// Whether the code lengths are possible, and no symbol is larger than `largest`.
    pub(super) fn is_sound(&self, largest: u8) -> bool {
        let mut room = 1u32;
        for &count in &self.counts {
            room *= 2;
            match room.checked_sub(count.into()) {
                Some(left) => room = left,
                None => return false,
            }
        }
        self.symbols.iter().all(|&symbol| symbol <= largest)
    }
}

fn broken() -> Error {
    Error::decode("a table is broken")
}

// Annex K.3 of the standard.
const LUMA_DC: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const CHROMA_DC: [u8; 16] = [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
const LUMA_AC: [u8; 16] = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d];
const CHROMA_AC: [u8; 16] = [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77];

#[rustfmt::skip]
const LUMA_AC_SYMBOLS: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
    0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5,
    0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];

#[rustfmt::skip]
const CHROMA_AC_SYMBOLS: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0,
    0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
    0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5,
    0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];
