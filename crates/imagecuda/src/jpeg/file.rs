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
}

/// A scan, and where its data are.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) components: Vec<ScanComponent>,
    /// The first and the last coefficient, in zigzag order.
    pub(super) spectral: (u8, u8),
    /// The bit that came before, and the bit that comes now: successive approximation.
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

/// A JPEG file of a kind that is decoded here: 8 bits, Huffman codes, sequential or progressive.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) picture: Picture,
    pub(super) progressive: bool,
    /// Each component's divisors in natural order, as they were at its first scan.
    pub(super) quantizers: [[u16; 64]; 4],
    /// In the order of the file.
    pub(super) scans: Vec<Scan>,
    /// Whether each component has a scan, and the file an end or data until its end; what is not
    /// whole is only returned where damage is allowed.
    pub(super) whole: bool,
}
