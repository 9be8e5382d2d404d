//! Progressive encoding: libjpeg's standard scans, each with optimal Huffman tables.
//!
//! A scan is made as [`Tokens`] first, as its tables depend on how often each symbol occurs. All scans
//! take a row of MCUs one after another, while its coefficients are in the cache; or, on several threads,
//! each scan takes all rows.

mod row;
mod scan;
mod tokens;

pub(super) use self::{
    row::Row,
    scan::{ScanCoder, gathered},
    tokens::Tokens,
};
use super::{
    Encoding,
    host::{self, CodedUnit, Masks},
    huffman::Table,
};
use crate::{Result, memory::Reused, parallel, picture::Pixels};
use bytemuck::cast_slice;
use imagecuda_kernels::jpeg::{encode::frame::Frame, picture::BLOCK};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The part of the coefficients that one scan encodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Script {
    /// The component of an AC scan. `None` for a DC scan, which has all components.
    pub(super) component: Option<u32>,
    /// The first and the last coefficient, in zigzag order.
    pub(super) band: [u8; 2],
    /// The bit position of the scan before (0 for a first scan), and of this scan: successive
    /// approximation.
    pub(super) bits: [u8; 2],
}

const fn script(component: Option<u32>, band: [u8; 2], bits: [u8; 2]) -> Script {
    Script {
        component,
        band,
        bits,
    }
}

/// The scans first give a rough picture, then refine luma to the precision of chroma, then complete
/// everything.
const COLOR: [Script; 10] = [
    script(None, [0, 0], [0, 1]),
    script(Some(0), [1, 5], [0, 2]),
    script(Some(2), [1, 63], [0, 1]),
    script(Some(1), [1, 63], [0, 1]),
    script(Some(0), [6, 63], [0, 2]),
    script(Some(0), [1, 63], [2, 1]),
    script(None, [0, 0], [1, 0]),
    script(Some(2), [1, 63], [1, 0]),
    script(Some(1), [1, 63], [1, 0]),
    script(Some(0), [1, 63], [1, 0]),
];

const GRAY: [Script; 6] = [
    script(None, [0, 0], [0, 1]),
    script(Some(0), [1, 5], [0, 2]),
    script(Some(0), [6, 63], [0, 2]),
    script(Some(0), [1, 63], [2, 1]),
    script(None, [0, 0], [1, 0]),
    script(Some(0), [1, 63], [1, 0]),
];

fn scripts(frame: &Frame) -> &'static [Script] {
    match frame.components {
        1 => &GRAY,
        _ => &COLOR,
    }
}

/// All scans of a picture, with their tables.
pub(super) fn encode(encoding: &Encoding, pixels: Pixels<'_>) -> Result<Vec<u8>> {
    let encoder = Encoder::start();
    encode_by(encoder.is_alone, encoding, pixels)
}

/// The same on this thread alone, or on several.
pub(super) fn encode_by(
    is_alone: bool,
    encoding: &Encoding,
    pixels: Pixels<'_>,
) -> Result<Vec<u8>> {
    let frame = &encoding.frame;
    if is_alone {
        let mut scans = Scans::new(encoding);
        encoding.transform_rows(pixels, |mcu_y, units| {
            scans.add(mcu_y, cast_slice(units), STRIDE);
        })?;
        return scans.finish();
    }
    let mut masks = Reused::for_overwrite(frame.units() as usize)?;
    let rows = masks.chunks_mut(row::units(frame));
    let units = encoding.transform_and(pixels, rows, |units, masks| {
        host::masks_of(cast_slice(units), STRIDE, masks);
    })?;
    each_scan(encoding, cast_slice(&units), STRIDE, &masks)
}

/// Numbers of 16 bits from a unit to the next one.
const STRIDE: usize = size_of::<CodedUnit>() / 2;

/// As [`encode`], from the quantised coefficients of all data units, in zigzag order.
pub(super) fn encode_coefficients(encoding: &Encoding, coefficients: &[i16]) -> Result<Vec<u8>> {
    let encoder = Encoder::start();
    encode_coefficients_by(encoder.is_alone, encoding, coefficients)
}

/// The same on this thread alone, or on several.
pub(super) fn encode_coefficients_by(
    is_alone: bool,
    encoding: &Encoding,
    coefficients: &[i16],
) -> Result<Vec<u8>> {
    let frame = &encoding.frame;
    let units = row::units(frame);
    let rows = coefficients.chunks(units * BLOCK);
    if is_alone {
        let mut scans = Scans::new(encoding);
        for (mcu_y, words) in (0..).zip(rows) {
            scans.add(mcu_y, words, BLOCK);
        }
        return scans.finish();
    }
    let mut masks: Reused<Masks> = Reused::for_overwrite(frame.units() as usize)?;
    let rows = rows.zip(masks.chunks_mut(units));
    parallel::for_each(rows, |(words, masks)| host::masks_of(words, BLOCK, masks));
    each_scan(encoding, coefficients, BLOCK, &masks)
}

/// All scans, which take a row of MCUs one after another.
struct Scans<'a> {
    encoding: &'a Encoding,
    scans: Vec<ScanCoder>,
    /// Those of a row.
    masks: Vec<Masks>,
}

impl<'a> Scans<'a> {
    fn new(encoding: &'a Encoding) -> Self {
        Self {
            encoding,
            scans: coders(&encoding.frame),
            masks: vec![Masks::default(); row::units(&encoding.frame)],
        }
    }

    /// Adds the data units of a row of MCUs, whose coefficients are `stride` words apart.
    fn add(&mut self, mcu_y: u32, words: &[i16], stride: usize) {
        host::masks_of(words, stride, &mut self.masks);
        let row = Row {
            frame: &self.encoding.frame,
            mcu_y,
            words,
            stride,
            masks: &self.masks,
        };
        for scan in &mut self.scans {
            host::run_scan(&row, scan);
        }
    }

    fn finish(self) -> Result<Vec<u8>> {
        let mut file = Vec::new();
        for scan in self.scans {
            finish(self.encoding, scan, &mut file)?;
        }
        Ok(file)
    }
}

/// Encodes each scan on a thread.
fn each_scan(
    encoding: &Encoding,
    words: &[i16],
    stride: usize,
    masks: &[Masks],
) -> Result<Vec<u8>> {
    let frame = &encoding.frame;
    let units = row::units(frame);
    let coded = parallel::map(coders(frame).into_iter(), |mut scan| {
        let rows = words.chunks(units * stride).zip(masks.chunks(units));
        for (mcu_y, (words, masks)) in (0..).zip(rows) {
            let row = Row {
                frame,
                mcu_y,
                words,
                stride,
                masks,
            };
            host::run_scan(&row, &mut scan);
        }
        let mut file = Vec::new();
        finish(encoding, scan, &mut file).map(|()| file)
    });
    Ok(coded.into_iter().collect::<Result<Vec<_>>>()?.concat())
}

fn coders(frame: &Frame) -> Vec<ScanCoder> {
    let new = |script| ScanCoder::new(script, frame);
    scripts(frame).iter().map(new).collect()
}

/// Adds a scan to `file`: its tables for luma and chroma, its header and its data. A refinement of DC
/// coefficients has no tables.
fn finish(encoding: &Encoding, scan: ScanCoder, file: &mut Vec<u8>) -> Result<()> {
    let script = *scan.script();
    let tokens = scan.finish()?;
    let tables = tokens.counts.each_ref().map(|counts| {
        let any = counts.iter().any(|&n| n != 0);
        any.then(|| Table::optimal(counts))
    });
    file.extend(encoding.scan(&script, &tables));
    host::write_tokens(&tokens, &tables, file);
    Ok(())
}

/// How many pictures are being encoded.
static ENCODING: AtomicUsize = AtomicUsize::new(0);

/// Counts a picture as being encoded until it is dropped.
struct Encoder {
    /// Whether one thread encodes the picture, as the others have pictures of their own.
    is_alone: bool,
}

impl Encoder {
    fn start() -> Self {
        let pictures = ENCODING.fetch_add(1, Ordering::Relaxed) + 1;
        let threads = rayon::current_num_threads();
        Self {
            is_alone: threads == 1 || pictures > threads / 2,
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        ENCODING.fetch_sub(1, Ordering::Relaxed);
    }
}
