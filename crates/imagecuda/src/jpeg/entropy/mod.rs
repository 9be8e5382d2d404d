//! Huffman and arithmetic codes to coefficients, or to samples.

mod arithmetic;
mod bits;
mod decisions;
mod lossless;
pub(super) mod planes;
mod progressive;
mod scanner;
mod sequential;
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

/// [`scan::NATURAL`], and for runs that go past the end its last place.
const NATURAL: [u8; 80] = {
    let mut places = [63; 80];
    let mut k = 0;
    while k < scan::NATURAL.len() {
        places[k] = scan::NATURAL[k];
        k += 1;
    }
    places
};

/// All coefficients of a file into `out`, which holds as many as the picture's blocks have, in the
/// order that [`Picture`](imagecuda_kernels::jpeg::picture::Picture) gives them. Of a file that is
/// `damaged`, those that are there.
#[cfg(any(feature = "cuda", test))]
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

/// The same, coefficient by coefficient, into zeros.
pub(super) fn one_by_one(file: &File, bytes: &[u8], damaged: bool, out: &mut [i16]) -> Result<()> {
    let (blocks, _) = out.as_chunks_mut();
    let mut decoded = 0;
    for scan in &file.scans {
        decoded += one_scan(file, scan, bytes, damaged, blocks)?;
    }
    match decoded {
        // Arithmetic codes may come to no data at all.
        0 if damaged => Err(Error::nothing_decoded()),
        _ => Ok(()),
    }
}

/// Decodes a scan. Returns for how many MCUs there were data.
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

/// The coefficients of a file whose only scan is sequential, by rows of MCUs.
pub(super) struct Rows<'a>(Scanner<'a, Sequential>);

impl<'a> Rows<'a> {
    /// `None` if a file is another.
    pub(super) fn new(file: &'a File, bytes: &'a [u8], damaged: bool) -> Option<Self> {
        let [scan] = &file.scans[..] else {
            return None;
        };
        let all = scan.components.len() == file.picture.components as usize;
        if file.progressive || !all || !file.is_usual() {
            return None;
        }
        let decoder = Sequential::new(scan)?;
        Some(Self(Scanner::new(decoder, file, scan, bytes, damaged)))
    }

    /// The next `rows` rows into `blocks`. `starts` are the places there of the
    /// first of them of each component.
    pub(super) fn read(
        &mut self,
        rows: u32,
        blocks: &mut [[i16; 64]],
        starts: [usize; 4],
    ) -> Result<()> {
        self.0.rows(rows, blocks, starts)
    }

    /// Whether all blocks that follow are zeros, as there are no data for them.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_over()
    }

    /// Fails if there was nothing at all.
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
