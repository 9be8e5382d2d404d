//! Strips and tiles that the file leaves out, as GDAL does with `SPARSE_OK`. All their samples have
//! one value, before anything is made of them: 0, or what GDAL's tag names for missing data.

use super::{Kind, Meaning, Page, Reader, chunks, luma};
use crate::Result;
use tiff::tags::Tag;

pub(super) struct Empty {
    /// Whether a strip or tile is left out, by its number; no list where none is.
    chunks: Vec<bool>,
    /// The samples of a few pixels, in the machine's byte order; empty where they are 0.
    pattern: Vec<u8>,
}

impl Empty {
    pub(super) fn find(decoder: &mut Reader<'_>, page: &Page) -> Result<Self> {
        let chunks = missing(&chunks::all(decoder)?);
        let mut pattern = Vec::new();
        if !chunks.is_empty() {
            // A tag that is damaged names nothing.
            let text = decoder.find_tag(Tag::GdalNodata).ok().flatten();
            let text = text.and_then(|text| text.into_string().ok());
            let value = text.and_then(|text| text.trim_matches(['\0', ' ']).parse().ok());
            pattern = value.map_or_else(Vec::new, |value| samples(page.kind, value));
            // GDAL knows luma and chroma of JPEG as the RGB that libjpeg makes of them.
            if matches!(page.meaning, Meaning::YCbCr(_)) && luma::is_jpeg(decoder)? && !page.planar
            {
                let mut pixel = vec![pattern.first().copied().unwrap_or(0), 128, 128];
                pixel.resize(page.samples, 0);
                pattern = pixel;
            }
        }
        Ok(Self { chunks, pattern })
    }

    pub(super) fn is_any(&self) -> bool {
        !self.chunks.is_empty()
    }

    pub(super) fn contains(&self, chunk: u32) -> bool {
        let found = self.chunks.get(chunk as usize);
        found.is_some_and(|&empty| empty)
    }

    /// Gives the samples of a row their value. It begins with a whole one, and holds zeros.
    pub(super) fn fill(&self, row: &mut [u8]) {
        if !self.pattern.is_empty() {
            for part in row.chunks_mut(self.pattern.len()) {
                part.copy_from_slice(&self.pattern[..part.len()]);
            }
        }
    }
}

/// Which strips or tiles are missing: those at 0, where the file's header is, and those of no length.
/// Where all lengths are 0 and places there are, the writer did not care for lengths.
fn missing(places: &[(u64, u64)]) -> Vec<bool> {
    let no_lengths = places.iter().all(|&(_, length)| length == 0);
    let is_missing = |&(offset, length): &(u64, u64)| offset == 0 || (length == 0 && !no_lengths);
    match places.iter().any(is_missing) {
        true => places.iter().map(is_missing).collect(),
        false => Vec::new(),
    }
}

/// As many samples of `value` as end with a byte; none where samples of this kind cannot have it.
fn samples(kind: Kind, value: f64) -> Vec<u8> {
    let top = 2_f64.powi(kind.bits() as i32);
    let is_integer = value.fract() == 0.0 && (0.0..top).contains(&value);
    match kind {
        Kind::F32 => (value as f32).to_ne_bytes().to_vec(),
        Kind::F64 => value.to_ne_bytes().to_vec(),
        _ if !is_integer => Vec::new(),
        Kind::Bits(bits) => {
            let eight = (0..8).fold(0, |all, _| all << bits | value as u64);
            eight.to_be_bytes()[8 - usize::from(bits)..].to_vec()
        }
        Kind::U8 => vec![value as u8],
        Kind::U16 => (value as u16).to_ne_bytes().to_vec(),
        Kind::U32 => (value as u32).to_ne_bytes().to_vec(),
        Kind::U64 => (value as u64).to_ne_bytes().to_vec(),
        // No writer of missing data has these.
        Kind::F16 => Vec::new(),
    }
}
