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
}

/// A scan, and where its data are.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) components: Vec<ScanComponent>,
    /// The first and the last coefficient, in zigzag order: spectral selection.
    pub(super) spectral: (u8, u8),
    /// The bit position of the scan before (0 for a first scan), and of this scan: successive
    /// approximation.
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

/// A JPEG file that this decoder can decode: 8 bits a sample, Huffman codes, sequential or
/// progressive.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) picture: Picture,
    pub(super) progressive: bool,
    /// Each component's quantization table in natural order, as it was at the component's first
    /// scan.
    pub(super) quantizers: [[u16; 64]; 4],
    /// The scans in the order of the file.
    pub(super) scans: Vec<Scan>,
    /// Whether each component has a scan, and the file has an end marker or data up to its end.
    /// Other files are returned only where damage is allowed.
    pub(super) whole: bool,
}
