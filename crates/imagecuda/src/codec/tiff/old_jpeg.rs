//! Old-style JPEG of TIFF 6.0: the picture is one JPEG. Writers disagreed on where its parts are:
//! the whole file at JPEGInterchangeFormat; its header there, and its data in strips; or its tables
//! in tags of their own, and its data in strips. This module joins the parts.

use super::{
    chunks::{self, Chunks},
    ifd::{Directory, cut_short},
    page::Page,
    tag,
};
use crate::{
    Error, Result,
    jpeg::segments::{self, Next, START_OF_SCAN},
    memory::reserve,
};
use std::borrow::Cow;

const START_OF_IMAGE: [u8; 2] = [0xff, 0xd8];
const END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];

/// The parts of a JPEG file, as segments without their markers.
#[derive(Default)]
struct Header {
    quantizers: Tables,
    codes: Tables,
    frame: Option<(u8, Vec<u8>)>,
    restart_interval: Option<[u8; 2]>,
    scan: Option<Vec<u8>>,
}

/// Segments of one kind, of which a file may have as many as bytes.
#[derive(Default)]
struct Tables {
    count: usize,
    /// All of them with their markers.
    segments: Vec<u8>,
}

impl Tables {
    fn add(&mut self, marker: u8, data: &[u8]) -> Result<()> {
        let more = data.len() + 4;
        // Room for twice as many, so that there are few copies.
        let length = self.segments.len();
        if self.segments.capacity() - length < more {
            reserve(&mut self.segments, more.max(length))?;
        }
        put(&mut self.segments, marker, data);
        self.count += 1;
        Ok(())
    }
}

/// Whether strips are whole JPEG files.
pub(super) fn has_whole_strips(directory: &Directory<'_>, chunks: &Chunks<'_>) -> bool {
    let strip = |index| chunks::data(chunks.places.get(index), directory.bytes());
    let begins = |index| strip(index).is_ok_and(|data| data.starts_with(&START_OF_IMAGE));
    match chunks.places.len() {
        0 => false,
        1 => {
            let ends = |whole: &[u8]| {
                let header = Header::read(whole).ok().flatten();
                header.is_some_and(|(_, end)| end < whole.len())
            };
            begins(0) && strip(0).is_ok_and(ends) && interchange(directory).is_none()
        }
        _ => begins(0) && begins(1),
    }
}

/// The files that the parts can form, the likeliest first.
pub(super) fn streams<'a>(page: &Page<'a>) -> Result<Vec<Cow<'a, [u8]>>> {
    let directory = &page.directory;
    match directory.number(tag::JPEG_PROC)? {
        None | Some(1) => {}
        Some(14) => return Err(Error::unsupported("lossless JPEG")),
        Some(_) => return Err(Error::decode("a process that JPEG does not have")),
    }
    let mut streams = Vec::new();
    let mut header = None;
    if let Some(whole) = interchange(directory) {
        let with_start = match whole.starts_with(&START_OF_IMAGE) {
            true => Cow::Borrowed(whole),
            false => {
                let mut joined = Vec::new();
                reserve(&mut joined, START_OF_IMAGE.len() + whole.len())?;
                joined.extend(START_OF_IMAGE);
                joined.extend(whole);
                joined.into()
            }
        };
        header = Header::read(&with_start)?;
        let has_data = |&(_, end): &(Header, usize)| with_start.len() > end + END_OF_IMAGE.len();
        if header.as_ref().is_some_and(has_data) {
            streams.push(with_start);
        }
    }
    let header = header.map(|(header, _)| header);
    match joined(page, header.unwrap_or_default()) {
        Ok(joined) => streams.push(joined.into()),
        Err(error) if streams.is_empty() => return Err(error),
        Err(_) => {}
    }
    Ok(streams)
}

/// The data at JPEGInterchangeFormat, if they are JPEG.
fn interchange<'a>(directory: &Directory<'a>) -> Option<&'a [u8]> {
    let number = |tag| directory.number(tag).ok().flatten();
    let at = usize::try_from(number(tag::JPEG_INTERCHANGE_FORMAT)?).ok()?;
    let data = directory.bytes().get(at..).filter(|_| at > 0)?;
    let length = number(tag::JPEG_INTERCHANGE_FORMAT_LENGTH).filter(|&length| length > 0);
    let length = usize::try_from(length.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let data = &data[..length.min(data.len())];
    data.starts_with(&[0xff]).then_some(data)
}

/// A header made of the parts, the data of all strips, and an end marker.
fn joined(page: &Page<'_>, mut header: Header) -> Result<Vec<u8>> {
    let bytes = page.directory.bytes();
    let mut strips = Vec::new();
    reserve(&mut strips, page.chunks.places.len())?;
    for place in page.chunks.places.iter() {
        strips.push(chunks::data(Some(place), bytes)?);
    }
    // The first strip may have the header, or the rest of it.
    if let Some(first) = strips.first_mut()
        && matches!(first, [0xff, 0xc0..=0xcf | 0xd8 | 0xda..=0xfe, ..])
        && let Some(end) = header.add(first, 0)?
    {
        *first = &first[end..];
    }
    if strips.iter().all(|strip| strip.is_empty()) {
        return Err(cut_short());
    }
    header.complete(page, strips.len())?;
    let length = strips.iter().map(|strip| strip.len() + 2).sum::<usize>();
    let mut out = header.write()?;
    reserve(&mut out, length)?;
    for (index, strip) in strips.iter().enumerate() {
        let strip = strip.strip_suffix(&END_OF_IMAGE).unwrap_or(strip);
        out.extend(strip);
        let is_marked = matches!(strip, [.., 0xff, 0xd0..=0xd7]);
        if index + 1 < strips.len() && !is_marked {
            out.extend([0xff, 0xd0 + (index % 8) as u8]);
        }
    }
    out.extend(END_OF_IMAGE);
    Ok(out)
}

impl Header {
    /// Reads the segments up to the data of the first scan, and returns the data's offset.
    fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>> {
        let mut header = Self::default();
        let end = header.add(bytes, START_OF_IMAGE.len())?;
        // The strips may follow tables without a scan.
        let has_tables = header.frame.is_some() || header.quantizers.count > 0;
        let end = end.or_else(|| has_tables.then_some(bytes.len()));
        Ok(end.map(|end| (header, end)))
    }

    /// Adds the segments from `at` up to the data of the first scan. Returns the data's offset, if
    /// there is a scan.
    fn add(&mut self, bytes: &[u8], mut at: usize) -> Result<Option<usize>> {
        while let Next::Segment(segment) = segments::next(bytes, at) {
            at = segment.after;
            let data = segment.data;
            match segment.marker {
                marker @ 0xdb => self.quantizers.add(marker, data)?,
                marker @ 0xc4 => self.codes.add(marker, data)?,
                0xdd => self.restart_interval = data.first_chunk().copied(),
                marker @ (0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcf) => {
                    self.frame = Some((marker, data.to_vec()));
                }
                START_OF_SCAN => {
                    self.scan = Some(data.to_vec());
                    return Ok(Some(at));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Adds the parts that tags contain.
    fn complete(&mut self, page: &Page<'_>, strips: usize) -> Result<()> {
        let directory = &page.directory;
        let components = page.samples;
        if !matches!(components, 1 | 3) {
            return Err(Error::unsupported(format!(
                "JPEG of {components} components"
            )));
        }
        if self.quantizers.count == 0 {
            for (number, table) in tables(directory, tag::JPEG_Q_TABLES, components)? {
                let values = table.get(..64).ok_or_else(cut_short)?;
                self.quantizers.add(0xdb, &[&[number], values].concat())?;
            }
        }
        if self.codes.count == 0 {
            for (tag, class) in [(tag::JPEG_DC_TABLES, 0x00), (tag::JPEG_AC_TABLES, 0x10)] {
                for (number, table) in tables(directory, tag, components)? {
                    let counts = table.get(..16).ok_or_else(cut_short)?;
                    let symbols: usize = counts.iter().map(|&count| usize::from(count)).sum();
                    let table = table.get(..16 + symbols).ok_or_else(cut_short)?;
                    self.codes.add(0xc4, &[&[class | number], table].concat())?;
                }
            }
        }
        let subsampling = directory.numbers_up_to(tag::YCBCR_SUBSAMPLING, 2)?;
        let [across, down] = match subsampling.as_deref() {
            _ if components == 1 => [1, 1],
            None => [2, 2],
            Some(&[across @ 1..=4, down @ 1..=4]) => [across as u8, down as u8],
            Some(_) => return Err(Error::decode("chroma is sampled as it cannot be")),
        };
        if self.frame.is_none() {
            let side = |side: u32| u16::try_from(side).map(u16::to_be_bytes);
            let (Ok(height), Ok(width)) = (side(page.height), side(page.width)) else {
                return Err(Error::decode("the picture is too large for JPEG"));
            };
            let mut frame = [&[8], &height[..], &width, &[components as u8]].concat();
            for number in 0..components as u8 {
                let factors = if number == 0 {
                    across << 4 | down
                } else {
                    0x11
                };
                frame.extend([number + 1, factors, number]);
            }
            self.frame = Some((0xc0, frame));
        }
        if self.scan.is_none() {
            let identifiers = self.frame.as_ref().map(|(_, frame)| &frame[..]);
            let mut scan = vec![components as u8];
            for number in 0..components {
                let identifier = identifiers.and_then(|frame| frame.get(6 + 3 * number));
                // Luma has the first tables; chroma has the next ones, if they exist.
                let table = number.min((self.codes.count / 2).saturating_sub(1));
                scan.extend([*identifier.ok_or_else(cut_short)?, table as u8 * 0x11]);
            }
            scan.extend([0, 63, 0]);
            self.scan = Some(scan);
        }
        if self.restart_interval.is_none() {
            let said = directory.number(tag::JPEG_RESTART_INTERVAL)?;
            let mut interval = said.unwrap_or_default();
            if strips > 1 {
                // Coding restarts with each strip.
                let rows = directory.number(tag::ROWS_PER_STRIP)?.unwrap_or_default();
                let mcu = [across, down].map(|factor| u64::from(factor) * 8);
                if !rows.is_multiple_of(mcu[1]) {
                    return Err(Error::decode("strips of old-style JPEG end within blocks"));
                }
                interval = u64::from(page.width).div_ceil(mcu[0]) * (rows / mcu[1]);
            }
            let interval = u16::try_from(interval);
            let interval = interval.map_err(|_| Error::decode("strips are too large for JPEG"))?;
            self.restart_interval = (interval > 0).then_some(interval.to_be_bytes());
        }
        Ok(())
    }

    /// A file up to its data.
    fn write(&self) -> Result<Vec<u8>> {
        let mut out = START_OF_IMAGE.to_vec();
        for tables in [&self.quantizers, &self.codes] {
            reserve(&mut out, tables.segments.len())?;
            out.extend(&tables.segments);
        }
        if let Some(interval) = &self.restart_interval {
            put(&mut out, 0xdd, interval);
        }
        if let Some((marker, data)) = &self.frame {
            put(&mut out, *marker, data);
        }
        if let Some(data) = &self.scan {
            put(&mut out, START_OF_SCAN, data);
        }
        Ok(out)
    }
}

/// Writes a segment. None can be longer: they are those of a file, or tables of 64 or 272 bytes.
fn put(out: &mut Vec<u8>, marker: u8, data: &[u8]) {
    out.extend([0xff, marker]);
    out.extend((data.len() as u16 + 2).to_be_bytes());
    out.extend(data);
}

/// The tables of all components, and their numbers. A tag has their offsets. Components may share
/// the last table.
fn tables<'a>(
    directory: &Directory<'a>,
    tag: u16,
    components: usize,
) -> Result<Vec<(u8, &'a [u8])>> {
    let offsets = directory.numbers_up_to(tag, components)?;
    let offsets = offsets.filter(|offsets| !offsets.is_empty());
    let offsets = offsets.ok_or_else(|| Error::decode("tables of JPEG are missing"))?;
    let table = |number: usize| {
        let at = offsets[number.min(offsets.len() - 1)];
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let data = directory.bytes().get(at..).ok_or_else(cut_short)?;
        Ok((number as u8, data))
    };
    (0..components).map(table).collect()
}
