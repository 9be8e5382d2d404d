//! Strips and tiles that the file leaves out, as GDAL does with `SPARSE_OK`. All their samples have
//! one value before they are converted: 0, or the value of GDAL's tag for missing data.

use super::{chunks::Places, compression::Compression, page::Page, tag};

pub(super) struct Empty {
    /// Whether any strip or tile is left out.
    is_any: bool,
    /// Whether lengths of 0 say so.
    has_lengths: bool,
    /// The samples of a few pixels in the machine's byte order. Empty if they are 0.
    pattern: Vec<u8>,
}

impl Empty {
    pub(super) fn find(page: &Page<'_>) -> Self {
        let places = &page.chunks.places;
        let mut empty = Self {
            is_any: false,
            // If all lengths are 0 and the offsets are not, the writer did not store lengths.
            has_lengths: places.iter().any(|(_, length)| length > 0),
            pattern: Vec::new(),
        };
        // All strips of an old-style JPEG are parts of it, and may be missing.
        empty.is_any = page.compression != Compression::OldJpeg
            && places.iter().any(|place| empty.is_missing(place));
        if empty.is_any {
            // A damaged tag is ignored.
            let text = page.directory.data(tag::GDAL_NODATA);
            let text = text.and_then(|text| std::str::from_utf8(text).ok());
            let value = text.and_then(|text| text.trim_matches(['\0', ' ']).parse().ok());
            empty.pattern = value.map_or_else(Vec::new, |value| page.kind.samples_of(value));
        }
        empty
    }

    pub(super) fn contains(&self, places: &Places<'_>, chunk: usize) -> bool {
        self.is_any
            && places
                .get(chunk)
                .is_some_and(|place| self.is_missing(place))
    }

    /// Whether there is nothing in the place: at offset 0 the file's header is.
    fn is_missing(&self, (offset, length): (u64, u64)) -> bool {
        offset == 0 || (length == 0 && self.has_lengths)
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
