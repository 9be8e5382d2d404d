//! Strips and tiles that the file leaves out, as GDAL does with `SPARSE_OK`. All their samples have
//! one value before they are converted: 0, or the value of GDAL's tag for missing data.

use super::{compression::Compression, page::Page, tag};

pub(super) struct Empty {
    /// Whether each strip or tile is left out. Empty if none is.
    chunks: Vec<bool>,
    /// The samples of a few pixels in the machine's byte order. Empty if they are 0.
    pattern: Vec<u8>,
}

impl Empty {
    pub(super) fn find(page: &Page<'_>) -> Self {
        let chunks = match page.compression {
            // All strips are parts of one JPEG, and may be missing.
            Compression::OldJpeg => Vec::new(),
            _ => missing(&page.chunks.places),
        };
        let mut pattern = Vec::new();
        if !chunks.is_empty() {
            // A damaged tag is ignored.
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

    /// Fills a row, which holds zeros, with the value. The row starts with a whole sample.
    pub(super) fn fill(&self, row: &mut [u8]) {
        if !self.pattern.is_empty() {
            for part in row.chunks_mut(self.pattern.len()) {
                part.copy_from_slice(&self.pattern[..part.len()]);
            }
        }
    }
}

/// Which strips or tiles are missing: those at offset 0, where the file's header is, and those of
/// length 0. If all lengths are 0 and the offsets are not, the writer did not store lengths.
fn missing(places: &[(u64, u64)]) -> Vec<bool> {
    let no_lengths = places.iter().all(|&(_, length)| length == 0);
    let is_missing = |&(offset, length): &(u64, u64)| offset == 0 || (length == 0 && !no_lengths);
    match places.iter().any(is_missing) {
        true => places.iter().map(is_missing).collect(),
        false => Vec::new(),
    }
}
