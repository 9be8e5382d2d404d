//! The way from segment to segment, for the decoder and for the metadata. It is libjpeg's: bytes
//! that are no marker are passed over wherever a marker is to come.

use super::entropy_segment::next_marker;

/// What is found next in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    Segment(Segment<'a>),
    /// The marker of a segment that is not all there.
    Cut,
    /// The marker behind the picture.
    End,
    /// No marker any more.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) marker: u8,
    pub(crate) data: &'a [u8],
    /// Where what follows it begins.
    pub(crate) after: usize,
}

/// A scan's header, which its data follow.
pub(crate) const START_OF_SCAN: u8 = 0xda;

/// Looks for a segment from `at` on.
pub(crate) fn next(bytes: &[u8], mut at: usize) -> Next<'_> {
    while let Some(found) = next_marker(bytes, at) {
        at = found + 1;
        match bytes[found] {
            // Markers without a segment, restarts that lie outside a scan, and codes that stand
            // for nothing, as they come about in other bytes.
            0x01..=0xbf | 0xd0..=0xd8 => {}
            0xd9 => return Next::End,
            marker => {
                let length = bytes.get(at..).and_then(<[u8]>::first_chunk);
                // A length counts itself. Some writers forget that, or write none of an empty
                // segment's.
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

/// The segments in front of the first scan.
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
