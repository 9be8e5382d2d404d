//! Strips and tiles that the file leaves out, as GDAL does with `SPARSE_OK`. All their samples have
//! one value, before anything is made of them: 0, or what GDAL's tag names for missing data.

use super::{compression::Compression, page::Page, tag};

pub(super) struct Empty {
    /// Whether a strip or tile is left out, by its number; no list where none is.
    chunks: Vec<bool>,
    /// The samples of a few pixels, in the machine's byte order; empty where they are 0.
    pattern: Vec<u8>,
}

impl Empty {
    pub(super) fn find(page: &Page<'_>) -> Self {
        let chunks = match page.compression {
            // All strips are one JPEG, and there need not be any.
            Compression::OldJpeg => Vec::new(),
            _ => missing(&page.chunks.places),
        };
        let mut pattern = Vec::new();
        if !chunks.is_empty() {
            // A tag that is damaged names nothing.
            let text = page.directory.data(tag::GDAL_NODATA);
            let text = text.and_then(|text| std::str::from_utf8(text).ok());
            let value = text.and_then(|text| text.trim_matches(['\0', ' ']).parse().ok());
            pattern = value.map_or_else(Vec::new, |value| page.kind.samples_of(value));
        }
        Self { chunks, pattern }
    }

    pub(super) fn contains(&self, chunk: usize) -> bool {
        let found = self.chunks.get(chunk);
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
