//! Progressive files: libjpeg's usual scans, of which each has the best tables for itself.

mod scan;
mod tokens;

pub(super) use self::{scan::Picture, tokens::Tokens};
use super::{Encoding, host, huffman::Table};
use crate::{Result, memory::Reused, parallel, picture::Pixels, sink::Sink};

/// What one scan has of the coefficients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Script {
    /// A component, or all, for first coefficients.
    pub(super) component: Option<u32>,
    /// The first and the last coefficient, in zigzag order.
    pub(super) band: [u8; 2],
    /// The bit that came before, and the bit that comes now.
    pub(super) bits: [u8; 2],
}

const fn script(component: Option<u32>, band: [u8; 2], bits: [u8; 2]) -> Script {
    Script {
        component,
        band,
        bits,
    }
}

/// First what luma and colours are about, then luma as fine as colours are, then all the rest.
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

/// The tables of a scan (none for the refinement of first coefficients), for luma and chroma, and
/// its data.
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
