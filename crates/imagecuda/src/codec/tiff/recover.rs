//! The strips or tiles of a page that decode, and of each damaged one the rows until there.

use super::{Tiff, error};
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
            read_chunks(&mut tiff, out, Some(&mut holes))?;
        } else {
            let mut raw: Vec<u8> = zeroed(tiff.raw_bytes()?)?;
            read_chunks(&mut tiff, &mut raw, Some(&mut holes))?;
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
    read_chunks(tiff, raw, None)
}

/// Puts all samples in their places in `raw`, plane by plane, and what is missing in `holes`, without
/// which nothing may be.
fn read_chunks(
    tiff: &mut Tiff<'_>,
    raw: &mut [u8],
    mut holes: Option<&mut Vec<Part>>,
) -> Result<()> {
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
            let index = plane.saturating_mul(per_plane).saturating_add(index);
            let to = raw[plane_at + part.y.start * row + row_bytes(x)..].chunks_mut(row);
            if tiff.empty.contains(index) {
                to.take(part.y.len())
                    .for_each(|to| tiff.empty.fill(&mut to[..used]));
                found = true;
                continue;
            }
            let (mut stride, mut chunk) = (chunk_row, DecodingResult::U8(Vec::new()));
            let mut whole = tiff.decoder.read_chunk_to_buffer(&mut chunk, index, stride);
            if whole.is_err() && holes.is_some() {
                // Rows that are not as long as in the file make the crate decode them one by one.
                (stride, chunk) = (chunk_row + 16, DecodingResult::U8(Vec::new()));
                whole = tiff.decoder.read_chunk_to_buffer(&mut chunk, index, stride);
            }
            let chunk = chunk.as_buffer(0).as_bytes().to_vec();
            let rows = chunk.len().div_ceil(stride).min(part.y.len());
            let rows = match (whole, &holes) {
                (Ok(()), _) => rows,
                (Err(_), Some(_)) => good_rows(&chunk, stride).min(rows),
                (Err(cause), None) => return Err(error(cause)),
            };
            let from = chunk.chunks(stride).take(rows);
            for (from, to) in from.zip(to) {
                to[..used].copy_from_slice(&from[..used]);
            }
            found |= rows > 0;
            let Some(holes) = &mut holes else {
                continue;
            };
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

/// How many rows of `stride` bytes are good of a damaged strip or tile. The crate does not tell how far
/// it came: rows of zeros may not be decoded, and the one before them not all of it.
fn good_rows(chunk: &[u8], stride: usize) -> usize {
    let decoded = chunk.iter().rposition(|&byte| byte != 0);
    decoded.map_or(0, |last| last / stride)
}
