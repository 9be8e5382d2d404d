//! Subsampled luma and chroma outside JPEG. A block has the luma of several pixels, then the chroma
//! that they share.

use super::{
    compression::{self, Compression},
    embedded::Space,
    page::Page,
    predictor::Predictor,
};
use crate::{Error, Result, memory::zeroed};

/// Fills `out`, the rows of a strip or tile, with all samples of each pixel. Returns how many bytes
/// are good, and the reason if not all are.
pub(super) fn decode(
    page: &Page<'_>,
    compression: Compression,
    data: &[u8],
    space: &Space,
    out: &mut [u8],
) -> (usize, Result<()>) {
    let [across, down] = page.sampling.map(|factor| factor as usize);
    let bytes = page.kind.bytes().unwrap_or(1);
    let block = (across * down + 2) * bytes;
    let row = (space.width as usize).div_ceil(across) * block;
    let rows = out.len() / space.row;
    let mut coded: Vec<u8> = match zeroed(rows.div_ceil(down) * row) {
        Ok(coded) => coded,
        Err(error) => return (0, Err(error)),
    };
    let (good, result) = compression::stream(compression, data, &mut coded);
    let whole = good / row;
    let predicted = match page.predictor {
        Predictor::Nothing => row,
        // As in libtiff, the predictor's rows are such that together they make a row of blocks.
        _ if row.is_multiple_of(down * bytes) => row / down,
        _ => {
            let why = "a predictor of luma and chroma whose rows end within samples";
            return (0, Err(Error::unsupported(why)));
        }
    };
    page.undo_predictor(&mut coded[..good / predicted * predicted], predicted);
    let pixel = 3 * bytes;
    for (y, out) in out
        .chunks_exact_mut(space.row)
        .take(whole * down)
        .enumerate()
    {
        let blocks = coded[y / down * row..][..row].chunks_exact(block);
        for (pixels, block) in out.chunks_mut(across * pixel).zip(blocks) {
            let (luma, chroma) = block.split_at(across * down * bytes);
            let luma = luma[y % down * across * bytes..].chunks_exact(bytes);
            for (pixel, luma) in pixels.chunks_exact_mut(pixel).zip(luma) {
                pixel[..bytes].copy_from_slice(luma);
                pixel[bytes..].copy_from_slice(chroma);
            }
        }
    }
    ((whole * down).min(rows) * space.row, result)
}
