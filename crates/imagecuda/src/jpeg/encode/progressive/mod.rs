//! Progressive encoding: libjpeg's standard scans, each with optimal Huffman tables.
//!
//! A scan is made as [`Tokens`] first, as its tables depend on how often each symbol occurs.

mod scan;
mod tokens;

pub(super) use self::{
    scan::{Picture, gathered},
    tokens::Tokens,
};
use super::{Encoding, host, huffman::Table};
use crate::{Result, memory::Reused, parallel, picture::Pixels, sink::Sink};

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

/// Writes all scans of a picture.
pub(super) fn write(encoding: &Encoding, pixels: Pixels<'_>, out: &mut dyn Sink) -> Result<()> {
    let frame = &encoding.frame;
    let row = (frame.mcus_x * frame.units_of_mcu()) as usize;
    let mut masks = Reused::for_overwrite(frame.units() as usize)?;
    let units = encoding.transform_and(pixels, masks.chunks_mut(row), host::masks_of)?;
    let picture = Picture {
        frame,
        units: &units,
        masks: &masks,
    };
    let scripts = match frame.components {
        1 => &GRAY[..],
        _ => &COLOR[..],
    };
    let coded = parallel::map(scripts.iter(), |script| code(&picture, script));
    for (script, (tables, data)) in scripts.iter().zip(coded) {
        out.write_all(&encoding.scan(script, &tables))?;
        out.write_all(&data)?;
    }
    Ok(())
}

/// Encodes a scan. Returns its tables for luma and chroma, and its data. A refinement of DC
/// coefficients has no tables.
fn code(picture: &Picture<'_>, script: &Script) -> ([Option<Table>; 2], Vec<u8>) {
    let mut tokens = Tokens::new();
    host::run_scan(picture, script, &mut tokens);
    let tables = tokens.counts.each_ref().map(|counts| {
        let any = counts.iter().any(|&n| n != 0);
        any.then(|| Table::optimal(counts))
    });
    let data = host::write_tokens(&tokens, &tables);
    (tables, data)
}
