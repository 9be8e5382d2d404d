//! What the markers of a file say.

use imagecuda_kernels::jpeg::picture::Picture;
use std::{ops::Range, sync::Arc};

/// A Huffman table as a file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Huffman {
    /// How many codes there are of 1 to 16 bits.
    pub(super) counts: [u8; 16],
    /// What the codes stand for, shortest first.
    pub(super) symbols: Vec<u8>,
}

/// A component of a scan.
#[derive(Clone, Debug)]
pub(super) struct ScanComponent {
    /// Its number among those of the frame.
    pub(super) index: usize,
    /// The tables as they were when the scan began; `None` where the file had none.
    pub(super) dc: Option<Arc<Huffman>>,
    pub(super) ac: Option<Arc<Huffman>>,
    pub(super) arithmetic: ArithmeticTables,
}

/// What arithmetic coding has in place of Huffman tables, as it was when the scan began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ArithmeticTables {
    /// Components with the same number share statistics.
    pub(super) dc: u8,
    pub(super) ac: u8,
    /// The conditioning of DC: the bits of small differences, at least and at most.
    pub(super) small: (u8, u8),
    /// The conditioning of AC: the last coefficient of the low ones.
    pub(super) low: u8,
}

/// A scan, and where its data are.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) components: Vec<ScanComponent>,
    /// The first and the last coefficient, in zigzag order. In a lossless file the first is the
    /// predictor.
    pub(super) spectral: (u8, u8),
    /// The bit that came before, and the bit that comes now: successive approximation. In a
    /// lossless file the second is the point transform.
    pub(super) approximation: (u8, u8),
    /// MCUs between restart markers, or 0.
    pub(super) restart_interval: u32,
    /// The entropy-coded data with all restart markers: up to the next other marker.
    pub(super) data: Range<usize>,
    /// Where restart markers (0xff) are, in `data`'s offsets, which are the file's.
    pub(super) restarts: Vec<usize>,
    /// How often 0xff is in each chunk of the data.
    pub(super) marks: Vec<u32>,
}

/// A JPEG file of a kind that is decoded here.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) picture: Picture,
    /// The bits of a sample: 8 or 12, or in a lossless file 2 to 16.
    pub(super) bits: u8,
    pub(super) progressive: bool,
    /// Whether samples are predicted from their neighbours. Then there are no blocks.
    pub(super) lossless: bool,
    /// Whether the data are coded arithmetically, and not in Huffman codes.
    pub(super) arithmetic: bool,
    /// Each component's divisors in natural order, as they were at its first scan.
    pub(super) quantizers: [[u16; 64]; 4],
    /// In the order of the file.
    pub(super) scans: Vec<Scan>,
    /// Whether each component has a scan, and the file an end or data until its end; what is not
    /// whole is only returned where damage is allowed.
    pub(super) whole: bool,
}

impl File {
    /// Whether its coefficients become samples of 8 bits, as those of almost all files do.
    pub(super) fn has_bytes(&self) -> bool {
        self.bits == 8 && !self.lossless
    }

    /// Whether that holds, and its data are Huffman codes: such files have faster decoders.
    pub(super) fn is_usual(&self) -> bool {
        self.has_bytes() && !self.arithmetic
    }

    /// MCUs of a scan of a lossless file: in a row, and rows of them.
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
}
