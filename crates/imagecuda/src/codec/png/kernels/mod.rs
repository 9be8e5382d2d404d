//! The data from which the kernels decode a PNG.

use super::{
    chunks::{Head, chunks},
    decode,
};
use crate::device::PngData;
use imagecuda_kernels::png::decoder::picture::Picture;

/// A file's data for the kernels. `None` if they cannot decode it, because it is interlaced or its
/// data are incomplete.
pub(super) fn data<'a>(head: &Head, file: &'a [u8]) -> Option<PngData<'a>> {
    if head.interlaced {
        return None;
    }
    let mut pieces = Vec::new();
    for chunk in chunks(file).filter(|chunk| chunk.kind == b"IDAT") {
        chunk.is_complete().then_some(())?;
        pieces.push(chunk.data);
    }
    let picture = picture(head);
    let bytes = pieces.iter().map(|piece| piece.len()).sum();
    let is_zlib = has_zlib_header(&pieces) && picture.is_countable();
    (is_zlib && (6..1 << 28).contains(&bytes) && file.len() < 1 << 31).then(|| PngData {
        picture,
        palette: palette(head),
        pieces,
        bytes,
        pixel_bytes: decode::header(head).bytes(),
        file,
    })
}

/// Whether the first two bytes are a zlib header without a dictionary.
fn has_zlib_header(pieces: &[&[u8]]) -> bool {
    let mut bytes = pieces.iter().copied().flatten().copied();
    let (Some(method), Some(flags)) = (bytes.next(), bytes.next()) else {
        return false;
    };
    let check = u16::from_be_bytes([method, flags]);
    method & 0x0f == 8 && method >> 4 <= 7 && flags & 0x20 == 0 && check.is_multiple_of(31)
}

fn picture(head: &Head) -> Picture {
    let mut transparent = [0; 3];
    if let (0 | 2, Some(color)) = (head.color, &head.transparency) {
        for (sample, bytes) in transparent.iter_mut().zip(color.as_chunks().0) {
            *sample = u16::from_be_bytes(*bytes).into();
            // What is above the bits of samples does not count, as for the host.
            if head.depth < 16 {
                *sample &= 255;
            }
        }
    }
    Picture {
        width: head.width,
        height: head.height,
        depth: head.depth.into(),
        color: head.color.into(),
        has_transparency: head.transparency.is_some().into(),
        transparent,
    }
}

/// All 256 colours of a palette, the first byte lowest. As in the `png` crate, colours that the
/// file lacks are black.
fn palette(head: &Head) -> Vec<u32> {
    let Some(palette) = &head.palette else {
        return Vec::new();
    };
    let mut colors = [[0, 0, 0, 255]; 256];
    let given = palette.as_chunks::<3>().0;
    for (color, &[r, g, b]) in colors.iter_mut().zip(given) {
        *color = [r, g, b, 255];
    }
    let alphas = head.transparency.iter().flatten();
    for (color, &alpha) in colors.iter_mut().zip(alphas) {
        color[3] = alpha;
    }
    colors.map(u32::from_le_bytes).to_vec()
}

#[cfg(test)]
mod tests;
