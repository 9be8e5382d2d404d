//! Reads the strips or tiles of a page. From a damaged file, reads those that decode, and the rows
//! of the others before the damage.

use super::{
    Tiff, chunks,
    compression::{self, Compression},
    embedded::{Files, Space},
    ifd::cut_short,
    log,
    page::Page,
    subsampled,
};
use crate::{Error, Limits, Result, codec::Decode, memory::zeroed, picture::Header};
use std::{borrow::Cow, ops::Range};

/// Opens a damaged file.
pub(super) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    Ok(Box::new(Damaged(Tiff::open(bytes, limits, true)?)))
}

struct Damaged<'a>(Tiff<'a>);

/// A part of the page, in pixels.
pub(super) struct Part {
    x: Range<usize>,
    y: Range<usize>,
}

impl Decode for Damaged<'_> {
    fn header(&self) -> Header {
        self.0.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let tiff = self.0;
        let mut holes = Vec::new();
        tiff.read(out, Some(&mut holes))?;
        // Samples of 0 may not be black. In CMYK they are white paper.
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

/// Puts the samples of the area to their places in `raw`, plane by plane. Missing parts go to `holes`; without
/// `holes` they are an error.
pub(super) fn read_chunks(
    tiff: &Tiff<'_>,
    raw: &mut [u8],
    mut holes: Option<&mut Vec<Part>>,
) -> Result<()> {
    raw.fill(0);
    let (page, area) = (&tiff.page, tiff.area);
    let (right, bottom) = (area.x + area.width, area.y + area.height);
    let chunks = &page.chunks;
    let row_bytes = |width: u32| page.row_bytes(width).unwrap_or(0) as usize;
    let (row, chunk_row) = (row_bytes(area.width), row_bytes(chunks.width));
    let per_plane = chunks.per_plane();
    let mut files = Files::new(page, &tiff.limits, holes.is_some());
    let mut spare = Vec::new();
    let mut found = false;
    for index in 0..per_plane * page.planes() {
        let (plane, in_plane) = (index / per_plane, (index % per_plane) as u32);
        let x = in_plane % chunks.across * chunks.width;
        let y = in_plane / chunks.across * chunks.height;
        if !(area.x..right).contains(&x) || !(area.y..bottom).contains(&y) {
            continue;
        }
        let end = |start: u32, length: u32, end: u32| end.min(start.saturating_add(length));
        let part = Part {
            x: (x - area.x) as usize..(end(x, chunks.width, right) - area.x) as usize,
            y: (y - area.y) as usize..(end(y, chunks.height, bottom) - area.y) as usize,
        };
        let space = Space {
            width: chunks.width,
            used: part.x.len() as u32,
            row: chunk_row,
        };
        let used = row_bytes(space.used);
        let start = (plane * area.height as usize + part.y.start) * row + row_bytes(x - area.x);
        let to = &mut raw[start..];
        if tiff.empty.contains(index) {
            let rows = to.chunks_mut(row).take(part.y.len());
            rows.for_each(|to| tiff.empty.fill(&mut to[..used]));
            found = true;
            continue;
        }
        let mut decode = |out: &mut [u8]| decode(page, index, &space, &mut files, out);
        let bytes = part.y.len() * chunk_row;
        let (good, result) = match chunk_row == row {
            true => decode(&mut to[..bytes]),
            false => {
                if spare.len() < bytes {
                    spare = zeroed(bytes)?;
                }
                let (good, result) = decode(&mut spare[..bytes]);
                let rows = spare.chunks_exact(chunk_row).zip(to.chunks_mut(row));
                for (from, to) in rows.take(good / chunk_row) {
                    to[..used].copy_from_slice(&from[..used]);
                }
                (good, result)
            }
        };
        let Some(holes) = &mut holes else {
            result?;
            found = true;
            continue;
        };
        let rows = good / chunk_row;
        found |= rows > 0;
        let (x, y) = (part.x, part.y.start + rows..part.y.end);
        // Holes below each other are joined, as there may be very many.
        match holes.last_mut() {
            _ if y.is_empty() => {}
            Some(above) if above.x == x && above.y.end == y.start => above.y.end = y.end,
            _ => holes.push(Part { x, y }),
        }
    }
    if found {
        Ok(())
    } else {
        Err(Error::decode("nothing of the picture is left"))
    }
}

/// Fills `out`, the rows of a strip or tile, with samples in the machine's byte order. Returns how
/// many bytes are good, and the reason if not all are.
fn decode(
    page: &Page<'_>,
    index: usize,
    space: &Space,
    files: &mut Files,
    out: &mut [u8],
) -> (usize, Result<()>) {
    let data = match data(page, index, out.len()) {
        Ok(data) => data,
        Err(error) => return (0, Err(error)),
    };
    let (good, result) = match page.compression {
        Compression::Jpeg | Compression::OldJpeg | Compression::WebP => {
            return files.decode(page, &data, space, out);
        }
        Compression::Fax(fax) => {
            let (rows, result) = fax.decode(&data, space.width, out);
            return (rows * space.row, result);
        }
        Compression::SgiLog => {
            let good = match page.kind.bits() {
                16 => log::unpack_rows::<2>(&data, space.row, out),
                _ => log::unpack_rows::<4>(&data, space.row, out),
            };
            return (good, compression::is_whole(good, out));
        }
        compression if page.sampling != [1, 1] => {
            return subsampled::decode(page, compression, &data, space, out);
        }
        compression => compression::stream(compression, &data, out),
    };
    let whole = good / space.row * space.row;
    page.undo_predictor(&mut out[..whole], space.row);
    (good, result)
}

/// The compressed data of a strip or tile. Its samples have `bytes` bytes.
fn data<'a>(page: &Page<'a>, index: usize, bytes: usize) -> Result<Cow<'a, [u8]>> {
    let file = page.directory.bytes();
    let mut place = page.chunks.places.get(index).copied();
    match (&mut place, page.compression) {
        // The parts of an old-style JPEG may be anywhere.
        (_, Compression::OldJpeg) => return Ok(Cow::Borrowed(&[])),
        // The length of uncompressed data is known, and some writers stored a wrong one.
        (Some((_, length)), Compression::None) if page.chunks.places.len() == 1 => {
            *length = (*length).max(bytes as u64);
        }
        _ => {}
    }
    let data = chunks::data(place.as_ref(), file)?;
    if data.is_empty() && bytes > 0 {
        return Err(cut_short());
    }
    if !page.is_reversed {
        return Ok(Cow::Borrowed(data));
    }
    let mut copy: Vec<u8> = zeroed(data.len())?;
    for (to, from) in copy.iter_mut().zip(data) {
        *to = from.reverse_bits();
    }
    Ok(copy.into())
}
