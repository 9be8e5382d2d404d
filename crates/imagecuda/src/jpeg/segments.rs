//! Walks from segment to segment, for the decoder and for metadata. As in libjpeg, bytes that are
//! no marker are skipped wherever a marker should come.

use super::entropy_segment::next_marker;

/// What comes next in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    Segment(Segment<'a>),
    /// The marker of a segment that is cut off.
    Cut,
    /// The end marker.
    End,
    /// The end of the data, without a marker.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) marker: u8,
    pub(crate) data: &'a [u8],
    /// The offset after the segment.
    pub(crate) after: usize,
}

/// The marker of a scan's header, which its data follow.
pub(crate) const START_OF_SCAN: u8 = 0xda;

/// Finds the next segment from `at` on.
pub(crate) fn next(bytes: &[u8], mut at: usize) -> Next<'_> {
    while let Some(found) = next_marker(bytes, at) {
        at = found + 1;
        match bytes[found] {
            // Skipped: markers without a segment, restart markers outside a scan, and reserved
            // codes, which other data can contain by accident.
            0x01..=0xbf | 0xd0..=0xd8 => {}
            0xd9 => return Next::End,
            marker => {
                let length = bytes.get(at..).and_then(<[u8]>::first_chunk);
                // The length includes its own two bytes. Some writers forget that, or write no
                // length for an empty segment.
                let end = length.map(|&length| at + usize::from(u16::from_be_bytes(length)).max(2));
                let data = end.and_then(|end| bytes.get(at + 2..end));
                return data.map_or(Next::Cut, |data| {
                    Next::Segment(Segment {
                        marker,
                        data,
                        after: at + 2 + data.len(),
                    })
                });
            }
        }
    }
    Next::Nothing
}

/// The segments before the first scan.
pub(crate) fn head(bytes: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    let mut at = 2;
    std::iter::from_fn(move || match next(bytes, at) {
        Next::Segment(segment) if segment.marker != START_OF_SCAN => {
            at = segment.after;
            Some(segment)
        }
        _ => None,
    })
}
