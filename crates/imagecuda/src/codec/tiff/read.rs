//! Reads the strips or tiles of a page. From a damaged file, reads those that decode, and the rows
//! of the others before the damage.

use super::{
    ENOUGH_BYTES, Tiff, chunks,
    compression::{self, Compression},
    embedded::{Files, Space},
    ifd::cut_short,
    log,
    page::Page,
    subsampled,
};
use crate::{
    Error, Limits, Result,
    codec::{Decode, caught},
    memory::{reserve, zeroed},
    parallel,
    picture::Header,
};
use std::{borrow::Cow, mem, ops::Range};

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

impl Part {
    /// The two as one part, if `next` is right below or to the right.
    fn joined(&self, next: &Self) -> Option<Self> {
        let is_below = self.x == next.x && self.y.end == next.y.start;
        let is_beside = self.y == next.y && self.x.end == next.x.start;
        (is_below || is_beside).then_some(Self {
            x: self.x.start..next.x.end,
            y: self.y.start..next.y.end,
        })
    }

    /// Adds a part after others, with the number of its band. There may be one for each second
    /// pixel.
    fn add(mut self, mut number: usize, parts: &mut Vec<(usize, Self)>) -> Result<()> {
        while let Some((first, last)) = parts.last()
            && let Some(joined) = last.joined(&self)
        {
            (number, self) = (*first, joined);
            parts.pop();
        }
        if parts.len() == parts.capacity() {
            reserve(parts, parts.len().max(16))?;
        }
        parts.push((number, self));
        Ok(())
    }
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
        for (_, hole) in holes {
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
    holes: Option<&mut Vec<(usize, Part)>>,
) -> Result<()> {
    raw.fill(0);
    let page = &tiff.page;
    let area = tiff.area;
    let row = page.row_bytes(area.width).unwrap_or(0) as usize;
    let band_height = page.chunks.height.min(area.height);
    let [plane, band] = [area.height, band_height].map(|rows| rows as usize * row);
    let damaged = holes.is_some();
    let bytes = raw.len();
    let count = bytes / plane * plane.div_ceil(band);
    let first = (area.y / page.chunks.height) as usize;
    // There may be as many as pixels, so they are made one by one.
    let planes = raw.chunks_exact_mut(plane).enumerate();
    let bands = planes.flat_map(|(plane, raw)| {
        let bands = (first..).zip(raw.chunks_mut(band));
        bands.map(move |(down, raw)| Band {
            number: plane * page.chunks.down as usize + down,
            down,
            raw,
        })
    });
    let reader = || Reader {
        tiff,
        row,
        damaged,
        files: Files::new(page, &tiff.limits, damaged),
        spare: Vec::new(),
        failed: None,
        found: false,
        missing: Vec::new(),
    };
    // Each thread has memory for a tile: all together no more than the picture has.
    let tile_row = page.row_bytes(page.chunks.width).unwrap_or(0) as usize;
    let is_shared =
        page.compression.runs_beside_others() && tile_row <= row && count <= MOST_SHARED_BANDS;
    let mut readers = match is_shared && band * count >= ENOUGH_BYTES {
        true => {
            let bands: Vec<_> = bands.collect();
            parallel::fold(bands.into_iter(), reader, Reader::read)
        }
        false => {
            let mut reader = reader();
            bands.for_each(|band| reader.read(band));
            vec![reader]
        }
    };
    let failed = readers.iter_mut().filter_map(|reader| reader.failed.take());
    if let Some((_, error)) = failed.min_by_key(|&(number, _)| number) {
        return Err(error);
    }
    if let Some(holes) = holes {
        *holes = missing(&mut readers)?;
    }
    if readers.iter().any(|reader| reader.found) {
        Ok(())
    } else {
        Err(Error::decode("nothing of the picture is left"))
    }
}

/// The most bands that threads share. What they find missing of more would take much memory: bands one
/// below the other are one part only for the thread that reads both.
const MOST_SHARED_BANDS: usize = 1 << 16;

/// What all of them found missing, in order.
fn missing(readers: &mut [Reader<'_>]) -> Result<Vec<(usize, Part)>> {
    if let [reader] = readers {
        return Ok(mem::take(&mut reader.missing));
    }
    let mut all = Vec::new();
    reserve(&mut all, readers.iter().map(|r| r.missing.len()).sum())?;
    readers
        .iter_mut()
        .for_each(|reader| all.append(&mut reader.missing));
    all.sort_unstable_by_key(|(number, part)| (*number, part.x.start));
    let mut joined = Vec::new();
    for (number, part) in all {
        part.add(number, &mut joined)?;
    }
    Ok(joined)
}

/// The rows of a plane that a strip has, or tiles side by side.
struct Band<'a> {
    /// Among those of all planes, and of this one.
    number: usize,
    down: usize,
    raw: &'a mut [u8],
}

/// What reads some of the bands, in their order.
struct Reader<'a> {
    tiff: &'a Tiff<'a>,
    row: usize,
    damaged: bool,
    files: Files,
    /// The samples of a tile.
    spare: Vec<u8>,
    /// The number of the band that failed, and why. No others count then.
    failed: Option<(usize, Error)>,
    /// Whether anything is there.
    found: bool,
    /// What is missing, by the numbers of bands.
    missing: Vec<(usize, Part)>,
}

impl Reader<'_> {
    fn read(&mut self, mut band: Band<'_>) {
        let (area, width) = (self.tiff.area, self.tiff.page.chunks.width);
        for across in area.x / width..(area.x + area.width).div_ceil(width) {
            if self.failed.is_some() {
                return;
            }
            // A panic on a thread of rayon's would not be this file's error.
            let part = caught(Error::decode, || self.read_chunk(&mut band, across));
            let part = part.and_then(|part| match part {
                Some(part) => part.add(band.number, &mut self.missing),
                None => Ok(()),
            });
            self.failed = part.err().map(|error| (band.number, error));
        }
    }

    /// Reads one strip or tile. Returns what is missing of it.
    fn read_chunk(&mut self, band: &mut Band<'_>, across: u32) -> Result<Option<Part>> {
        let (page, area) = (&self.tiff.page, self.tiff.area);
        let chunks = &page.chunks;
        let row_bytes = |width: u32| page.row_bytes(width).unwrap_or(0) as usize;
        let index = band.number * chunks.across as usize + across as usize;
        let x = across * chunks.width - area.x;
        let y = band.down * chunks.height as usize - area.y as usize;
        let part = Part {
            x: x as usize..area.width.min(x.saturating_add(chunks.width)) as usize,
            y: y..y + band.raw.len() / self.row,
        };
        let space = Space {
            width: chunks.width,
            used: part.x.len() as u32,
            row: row_bytes(chunks.width),
        };
        let bytes = part.y.len() * space.row;
        let fills_rows = part.x.len() == area.width as usize && space.row == self.row;
        if !fills_rows && self.spare.len() < bytes {
            self.spare = zeroed(bytes)?;
        }
        let pixel = page.pixel_bits() as usize;
        let (at, bits) = (x as usize * pixel, part.x.len() * pixel);
        let to = band.raw.chunks_exact_mut(self.row);
        if self.tiff.empty.contains(&chunks.places, index) {
            let from = &mut self.spare[..if fills_rows { 0 } else { space.row }];
            from.fill(0);
            self.tiff.empty.fill(from);
            to.for_each(|to| match fills_rows {
                true => self.tiff.empty.fill(to),
                false => put_bits(to, at, from, bits),
            });
            self.found = true;
            return Ok(None);
        }
        let (good, result) = match fills_rows {
            true => decode(page, index, &space, &mut self.files, band.raw),
            false => {
                let spare = &mut self.spare[..bytes];
                let (good, result) = decode(page, index, &space, &mut self.files, spare);
                let rows = spare.chunks_exact(space.row).zip(to);
                let rows = rows.take(good / space.row);
                rows.for_each(|(from, to)| put_bits(to, at, from, bits));
                (good, result)
            }
        };
        if !self.damaged {
            result?;
            self.found = true;
            return Ok(None);
        }
        let rows = good / space.row;
        self.found |= rows > 0;
        let (x, y) = (part.x, part.y.start + rows..part.y.end);
        Ok((!y.is_empty()).then_some(Part { x, y }))
    }
}

/// Copies the first bits of `from` to those of `to` from bit `at` on. The highest bit of a byte comes first.
/// Rows of tiles side by side share a byte if the tiles' width is one that the specification does not allow.
fn put_bits(to: &mut [u8], at: usize, from: &[u8], bits: usize) {
    let (first, shift) = (at / 8, at % 8);
    if shift == 0 && bits.is_multiple_of(8) {
        to[first..][..bits / 8].copy_from_slice(&from[..bits / 8]);
        return;
    }
    for (i, &byte) in from[..bits.div_ceil(8)].iter().enumerate() {
        let used = (0xff00_u16 >> (bits - 8 * i).min(8)) as u8;
        // Of two bytes.
        let [mask, value] = [used, used & byte].map(|byte| u16::from(byte) << 8 >> shift);
        let pairs = mask.to_be_bytes().into_iter().zip(value.to_be_bytes());
        for (to, (mask, value)) in to[first + i..].iter_mut().zip(pairs) {
            *to = *to & !mask | value;
        }
    }
}

/// Fills `out`, which has rows of a strip or tile, with samples in the machine's byte order. Returns how
/// many bytes are good, and why not all are.
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
    let mut place = page.chunks.places.get(index);
    match (&mut place, page.compression) {
        // The parts of an old-style JPEG may be anywhere.
        (_, Compression::OldJpeg) => return Ok(Cow::Borrowed(&[])),
        // The length of all that is not compressed is known, and there are writers that had it wrong.
        (Some((_, length)), Compression::None) => *length = (*length).max(bytes as u64),
        _ => {}
    }
    let data = chunks::data(place, file)?;
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
