//! The strips or tiles of a page that decode, and of each damaged one the rows until there.

use super::{Reader, Tiff};
use crate::{Error, Limits, Result, codec::Decode, memory::zeroed, picture::Header};
use std::ops::Range;
use tiff::decoder::DecodingResult;

pub(super) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let tiff = super::read_header(bytes, limits, true)?;
    Ok(Box::new(Damaged(tiff)))
}

struct Damaged<'a>(Tiff<'a>);

/// A part of the page, in pixels.
struct Part {
    x: Range<usize>,
    y: Range<usize>,
}

impl Decode for Damaged<'_> {
    fn header(&self) -> Header {
        self.0.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let mut tiff = self.0;
        let mut holes = Vec::new();
        if tiff.page.is_direct() {
            read_chunks(&mut tiff, out, &mut holes)?;
        } else {
            let mut raw: Vec<u8> = zeroed(tiff.raw_bytes()?)?;
            read_chunks(&mut tiff, &mut raw, &mut holes)?;
            tiff.convert(&raw, out);
        }
        // Samples of 0 need not be black, and without ink the paper is white.
        let black = if tiff.header.layout.is_cmyk() { 255 } else { 0 };
        let pixel = tiff.header.layout.bytes_per_pixel();
        let row = tiff.header.width as usize * pixel;
        for hole in holes {
            for row in out
                .chunks_exact_mut(row)
                .take(hole.y.end)
                .skip(hole.y.start)
            {
                row[hole.x.start * pixel..hole.x.end * pixel].fill(black);
            }
        }
        Ok(())
    }
}

/// Puts all samples in their places in `raw`, plane by plane.
pub(super) fn read_all_chunks(tiff: &mut Tiff<'_>, raw: &mut [u8]) -> Result<()> {
    let mut holes = Vec::new();
    read_chunks(tiff, raw, &mut holes)?;
    match holes.is_empty() {
        true => Ok(()),
        false => Err(Error::decode("a tile is damaged or missing")),
    }
}

/// Puts all samples in their places in `raw`, plane by plane, and what is missing in `holes`.
fn read_chunks(tiff: &mut Tiff<'_>, raw: &mut [u8], holes: &mut Vec<Part>) -> Result<()> {
    raw.fill(0);
    let (width, height) = (tiff.header.width, tiff.header.height);
    let (chunk_width, chunk_height) = tiff.decoder.chunk_dimensions();
    let page = &tiff.page;
    let row_bytes = |width: u32| page.row_bytes(width).unwrap_or(0) as usize;
    let (row, chunk_row) = (row_bytes(width), row_bytes(chunk_width));
    let per_plane =
        (width.div_ceil(chunk_width.max(1))).checked_mul(height.div_ceil(chunk_height.max(1)));
    let (Some(per_plane), true) = (per_plane, row > 0 && chunk_row > 0) else {
        return Err(Error::decode("strips or tiles without a size"));
    };
    let across = width.div_ceil(chunk_width);
    let mut found = false;
    for plane in 0..tiff.planes() as u32 {
        let plane_at = plane as usize * row * height as usize;
        for index in 0..per_plane {
            let (x, y) = (index % across * chunk_width, index / across * chunk_height);
            let part = Part {
                x: x as usize..width.min(x + chunk_width) as usize,
                y: y as usize..height.min(y.saturating_add(chunk_height)) as usize,
            };
            let used = row_bytes(part.x.len() as u32);
            let stride = chunk_row + 16;
            let index = plane.saturating_mul(per_plane).saturating_add(index);
            let to = raw[plane_at + part.y.start * row + row_bytes(x)..].chunks_mut(row);
            if tiff.empty.contains(index) {
                to.take(part.y.len())
                    .for_each(|to| tiff.empty.fill(&mut to[..used]));
                found = true;
                continue;
            }
            let (chunk, rows) = read_chunk(&mut tiff.decoder, index, stride, part.y.len());
            let from = chunk.chunks(stride).take(rows);
            for (from, to) in from.zip(to) {
                to[..used].copy_from_slice(&from[..used]);
            }
            found |= rows > 0;
            let (x, y) = (part.x, part.y.start + rows..part.y.end);
            // There may be a great many, one below the other.
            match holes.last_mut() {
                _ if y.is_empty() => {}
                Some(above) if above.x == x && above.y.end == y.start => above.y.end = y.end,
                _ => holes.push(Part { x, y }),
            }
        }
    }
    if found {
        Ok(())
    } else {
        Err(Error::decode("nothing of the picture is left"))
    }
}

/// A strip or tile in rows of `stride` bytes, and how many of them are good.
fn read_chunk(
    decoder: &mut Reader<'_>,
    index: u32,
    stride: usize,
    height: usize,
) -> (Vec<u8>, usize) {
    // Rows that are not as long as in the file make the crate decode them one by one.
    let mut result = DecodingResult::U8(Vec::new());
    let whole = decoder
        .read_chunk_to_buffer(&mut result, index, stride)
        .is_ok();
    let bytes = result.as_buffer(0).as_bytes().to_vec();
    let rows = bytes.len().div_ceil(stride).min(height);
    if whole {
        return (bytes, rows);
    }
    // It does not tell how far it came: rows of zeros may not be decoded, and the one before them
    // not all of it.
    let decoded = bytes.iter().rposition(|&byte| byte != 0);
    let rows = decoded.map_or(0, |last| last / stride).min(rows);
    (bytes, rows)
}
