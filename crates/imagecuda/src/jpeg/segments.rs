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

/// Where the data of the first scan begin, if kernels may decode the file: it is sequential and has Huffman
/// codes.
pub(crate) fn first_data(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut is_sequential) = (2, false);
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    while let Next::Segment(segment) = next(bytes, at) {
        match segment.marker {
            START_OF_SCAN => return is_sequential.then_some(segment.after),
            0xc0 | 0xc1 => is_sequential = true,
            _ => {}
        }
        at = segment.after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_data_are_those_of_a_file_for_the_kernels() {
        let segment = |marker, len: u8| {
            let data = vec![7; usize::from(len) - 2];
            [&[0xff, marker, 0, len][..], &data].concat()
        };
        let file = |frame| {
            let head = [
                segment(0xe0, 16),
                segment(frame, 17),
                segment(START_OF_SCAN, 12),
            ];
            [&[0xff, 0xd8][..], &head.concat(), &[1, 2, 3, 0xff, 0xd9]].concat()
        };
        let start = 2 + 3 * 2 + 16 + 17 + 12;
        assert_eq!(first_data(&file(0xc0)), Some(start));
        assert_eq!(first_data(&file(0xc1)), Some(start));
        assert_eq!(first_data(&file(0xc2)), None);
        assert_eq!(first_data(&file(0xc0)[..start - 1]), None);
        assert_eq!(first_data(&file(0xc0)[1..]), None);
        assert_eq!(first_data(&[]), None);
    }
}
