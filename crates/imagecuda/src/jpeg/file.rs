//! A JPEG file as its markers describe it.

use imagecuda_kernels::jpeg::picture::Picture;
use std::{ops::Range, sync::Arc};

/// A Huffman table in the form of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Huffman {
    /// The number of codes of 1 to 16 bits.
    pub(super) counts: [u8; 16],
    /// The symbols of the codes, shortest code first.
    pub(super) symbols: Vec<u8>,
}

/// A component in a scan.
#[derive(Clone, Debug)]
pub(super) struct ScanComponent {
    /// The component's number in the frame.
    pub(super) index: usize,
    /// The tables at the start of the scan. `None` if the file had not defined them.
    pub(super) dc: Option<Arc<Huffman>>,
    pub(super) ac: Option<Arc<Huffman>>,
    pub(super) arithmetic: ArithmeticTables,
}

/// The counterpart of Huffman tables in arithmetic coding, at the start of the scan.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ArithmeticTables {
    /// The numbers of the statistics areas. Components with the same number share an area.
    pub(super) dc: u8,
    pub(super) ac: u8,
    /// DC conditioning: the bounds of small differences, L and U in the standard.
    pub(super) small: (u8, u8),
    /// AC conditioning: the last coefficient with a low index, Kx in the standard.
    pub(super) low: u8,
}

/// A scan, and where its data are.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) components: Vec<ScanComponent>,
    /// The first and the last coefficient, in zigzag order: spectral selection. In a lossless file
    /// the first number is the predictor.
    pub(super) spectral: (u8, u8),
    /// The bit position of the scan before (0 for a first scan), and of this scan: successive
    /// approximation. In a lossless file the second number is the point transform.
    pub(super) approximation: (u8, u8),
    /// The number of MCUs between restart markers, or 0.
    pub(super) restart_interval: u32,
    /// The entropy-coded data with all restart markers, up to the next other marker.
    pub(super) data: Range<usize>,
    /// The offsets of the restart markers in the file. Each is in `data`.
    pub(super) restarts: Vec<usize>,
    /// The number of 0xff bytes in each chunk of the data.
    pub(super) marks: Vec<u32>,
}

/// A JPEG file that this decoder can decode.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) picture: Picture,
    /// Bits a sample: 8 or 12, or 2 to 16 in a lossless file.
    pub(super) bits: u8,
    pub(super) progressive: bool,
    /// Whether samples are predicted from their neighbours. Such a file has no blocks.
    pub(super) lossless: bool,
    /// Whether the data are coded arithmetically, not in Huffman codes.
    pub(super) arithmetic: bool,
    /// Each component's quantization table in natural order, as it was at the component's first
    /// scan.
    pub(super) quantizers: [[u16; 64]; 4],
    /// The scans in the order of the file.
    pub(super) scans: Vec<Scan>,
    /// Whether each component has a scan, and the file has an end marker or data up to its end.
    /// Other files are returned only where damage is allowed.
    pub(super) whole: bool,
}

impl File {
    /// Whether the file has coefficients of 8-bit samples, as almost all files have.
    pub(super) fn has_bytes(&self) -> bool {
        self.bits == 8 && !self.lossless
    }

    /// Whether the file also has Huffman codes. Such files have faster decoders.
    pub(super) fn is_usual(&self) -> bool {
        self.has_bytes() && !self.arithmetic
    }

    /// The MCUs of a scan of a lossless file: the number in a row, and the number of rows.
    pub(super) fn lossless_mcus(&self, scan: &Scan) -> (usize, usize) {
        let picture = &self.picture;
        let (across, down) = match &scan.components[..] {
            [component] => {
                let part = &picture.component[component.index];
                (part.width, part.height)
            }
            _ => (
                picture.width.div_ceil(picture.h_max),
                picture.height.div_ceil(picture.v_max),
            ),
        };
        (across as usize, down as usize)
    }

    /// The most restart markers of a scan that make a difference: one between two intervals, and one
    /// that ends the last. Of a damaged file some count that are out of place.
    pub(super) fn most_restarts(
        &self,
        components: &[ScanComponent],
        interval: u32,
        damaged: bool,
    ) -> usize {
        if interval == 0 {
            return 1;
        }
        // There are as many blocks as MCUs, or more.
        let side = if self.lossless { 1 } else { 8 };
        let blocks = |c: &ScanComponent| {
            let part = &self.picture.component[c.index];
            part.width.div_ceil(side) as usize * part.height.div_ceil(side) as usize
        };
        let intervals = components.iter().map(blocks).sum::<usize>() / interval as usize + 1;
        match damaged {
            true => 2 * intervals + 64,
            false => intervals,
        }
    }
}
