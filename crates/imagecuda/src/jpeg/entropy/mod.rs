//! Entropy decoding: from Huffman and arithmetic codes to coefficients, or to samples.

mod arithmetic;
mod bits;
mod decisions;
mod lossless;
pub(super) mod planes;
mod progressive;
mod scanner;
mod sequential;
mod skips;
mod table;

#[cfg(test)]
pub(super) use self::decisions::TABLE as STATES_OF_PROBABILITY;
pub(super) use self::lossless::lossless;
use self::{
    progressive::{AcFirst, AcRefine, DcFirst, DcRefine},
    scanner::{ScanDecoder, Scanner},
    sequential::Sequential,
};
use super::file::{File, Scan, ScanComponent};
use crate::{Error, Result};
use imagecuda_kernels::jpeg::scan;

/// [`scan::NATURAL`], extended: a run that goes past the end of a block writes to its last place. With a power
/// of two no index needs a division.
const NATURAL: [u8; 128] = {
    let mut places = [63; 128];
    let mut k = 0;
    while k < scan::NATURAL.len() {
        places[k] = scan::NATURAL[k];
        k += 1;
    }
    places
};

/// Decodes all coefficients of a file into `out`. Its length is 64 for each block of the picture,
/// in the order of [`Picture`](imagecuda_kernels::jpeg::picture::Picture). With `damaged`, missing
/// coefficients are 0.
pub(super) fn coefficients(
    file: &File,
    bytes: &[u8],
    damaged: bool,
    out: &mut [i16],
) -> Result<()> {
    if planes::coefficients(file, bytes, out.as_chunks_mut().0).is_some() {
        return Ok(());
    }
    out.fill(0);
    one_by_one(file, bytes, damaged, out)
}

/// The same with the plain decoder. `out` must be zeros.
pub(super) fn one_by_one(file: &File, bytes: &[u8], damaged: bool, out: &mut [i16]) -> Result<()> {
    let (blocks, _) = out.as_chunks_mut();
    let mut decoded = 0;
    for scan in &file.scans {
        decoded += one_scan(file, scan, bytes, damaged, blocks)?;
    }
    match decoded {
        // Arithmetic codes of a valid picture may need no data at all.
        0 if damaged => Err(Error::nothing_decoded()),
        _ => Ok(()),
    }
}

/// Decodes a scan. Returns the number of MCUs that had data.
fn one_scan(
    file: &File,
    scan: &Scan,
    bytes: &[u8],
    damaged: bool,
    blocks: &mut [[i16; 64]],
) -> Result<u64> {
    fn run<C: ScanDecoder>(
        decoder: C,
        (file, scan, bytes, damaged): (&File, &Scan, &[u8], bool),
        blocks: &mut [[i16; 64]],
    ) -> Result<u64> {
        let mut scanner = Scanner::new(decoder, file, scan, bytes, damaged);
        let starts = file.picture.component.map(|c| c.first_block as usize);
        scanner.rows(scanner.rows_left(), blocks, starts)?;
        Ok(scanner.decoded())
    }
    let from = (file, scan, bytes, damaged);
    if file.arithmetic {
        return match (file.progressive, scan.spectral.0, scan.approximation.0) {
            (false, ..) => run(arithmetic::Sequential::new(scan), from, blocks),
            (_, 0, 0) => run(arithmetic::DcFirst::new(scan), from, blocks),
            (_, 0, _) => run(arithmetic::DcRefine::new(scan), from, blocks),
            (_, _, 0) => run(arithmetic::AcFirst::new(scan), from, blocks),
            _ => run(arithmetic::AcRefine::new(scan), from, blocks),
        };
    }
    match (file.progressive, scan.spectral.0, scan.approximation.0) {
        (false, ..) => run(Sequential::new(scan).ok_or_else(no_table)?, from, blocks),
        (_, 0, 0) => run(DcFirst::new(scan).ok_or_else(no_table)?, from, blocks),
        (_, 0, _) => run(DcRefine::new(scan), from, blocks),
        (_, _, 0) => run(AcFirst::new(scan).ok_or_else(no_table)?, from, blocks),
        _ => run(AcRefine::new(scan).ok_or_else(no_table)?, from, blocks),
    }
}

/// With so many blocks it pays to pass over codes by tables.
const MANY_BLOCKS: usize = 4096;

/// Decodes a file with one sequential scan, some rows of MCUs at a time.
pub(super) struct Rows<'a>(Scanner<'a, Sequential>);

impl<'a> Rows<'a> {
    /// `None` if the file is not sequential, or has several scans. Of components that get one sample for a
    /// block, by their `sizes`, only the DC coefficients are decoded.
    pub(super) fn new(
        file: &'a File,
        bytes: &'a [u8],
        damaged: bool,
        sizes: &[u32; 4],
    ) -> Option<Self> {
        let [scan] = &file.scans[..] else {
            return None;
        };
        let all = scan.components.len() == file.picture.components as usize;
        if file.progressive || !all || !file.is_usual() {
            return None;
        }
        let mut decoder = Sequential::new(scan)?;
        // The tables of steps take as long as some thousand blocks.
        if file.picture.blocks() >= MANY_BLOCKS {
            decoder.skip_ac(scan, |index| sizes[index] == 1);
        }
        Some(Self(Scanner::new(decoder, file, scan, bytes, damaged)))
    }

    /// Goes to the last row of MCUs up to `row` that can be decoded without those before it. Call this
    /// before anything is decoded. Returns the row.
    pub(super) fn jump(&mut self, row: u32) -> u32 {
        self.0.jump(row)
    }

    /// Decodes the next `rows` rows of MCUs into `blocks`. Component i begins at `starts[i]`.
    pub(super) fn read(
        &mut self,
        rows: u32,
        blocks: &mut [[i16; 64]],
        starts: [usize; 4],
    ) -> Result<()> {
        self.0.rows(rows, blocks, starts)
    }

    /// Whether all further blocks are zeros, because the data ended.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_over()
    }

    /// Fails if not a single MCU had data.
    pub(super) fn finish(&self) -> Result<()> {
        match self.0.decoded() {
            0 => Err(Error::nothing_decoded()),
            _ => Ok(()),
        }
    }
}

fn no_table() -> Error {
    Error::decode("a Huffman table is missing")
}
