//! `jpeg_blocks` on the CPU.

use super::{
    super::{picture::Picture, scan::NATURAL},
    Band, Start,
    block::{Block, Coefficients},
    symbols::Symbols,
};

/// A scan of AC coefficients. See [`AcScan`](super::jobs::AcScan).
#[derive(Clone, Copy, Debug)]
pub struct EmulatedScan<'a> {
    /// The number of its component.
    pub component: usize,
    /// Its data without stuffing.
    pub data: &'a [u32],
    /// For each block of its component where it begins.
    pub starts: &'a [Start],
    /// Its Huffman table.
    pub symbols: &'a Symbols,
    /// What it has.
    pub band: Band,
}

/// Makes all blocks of a picture in natural order, from the DC coefficients and the scans.
pub fn blocks(picture: &Picture, dc: &[i16], scans: &[EmulatedScan<'_>], out: &mut [[i16; 64]]) {
    for (number, (out, &dc)) in (0..).zip(out.iter_mut().zip(dc)) {
        let (component, row, column) = picture.find_block(number);
        let part = &picture.component[component];
        let mut block = Block::new(Natural([0; 64]));
        let (across, down) = (part.width.div_ceil(8), part.height.div_ceil(8));
        if column < across && row < down {
            let at = (row * across + column) as usize;
            for scan in scans.iter().filter(|scan| scan.component == component) {
                block.add(scan.band, scan.symbols, scan.data, scan.starts[at]);
            }
        }
        *out = block.coefficients.0;
        out[0] = dc;
    }
}

struct Natural([i16; 64]);

impl Coefficients for Natural {
    fn get(&self, k: u32) -> i16 {
        self.0[usize::from(NATURAL[k as usize])]
    }

    fn set(&mut self, k: u32, value: i16) {
        self.0[usize::from(NATURAL[k as usize])] = value;
    }
}
