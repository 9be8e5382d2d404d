//! Reads the metadata in the segments of a JPEG.

use crate::{
    jpeg::segments,
    metadata::embedded::{Embedded, is_profile, strip_exif},
};

/// Reads the segments before the scan: EXIF in APP1, and the ICC profile in numbered pieces in
/// APP2.
pub(super) fn metadata(bytes: &[u8]) -> Embedded {
    let mut metadata = Embedded::default();
    let mut pieces = Vec::new();
    for segment in segments::head(bytes) {
        match segment.marker {
            0xe1 => {
                let exif = strip_exif(segment.data).filter(|exif| !exif.is_empty());
                if let Some(exif) = exif {
                    metadata.exif.get_or_insert_with(|| exif.to_vec());
                }
            }
            0xe2 => {
                if let Some([number, of, piece @ ..]) = segment.data.strip_prefix(b"ICC_PROFILE\0")
                {
                    pieces.push((*number, *of, piece));
                }
            }
            _ => {}
        }
    }
    metadata.icc = joined(pieces);
    metadata
}

/// Joins the pieces of a profile. Each has a number, the number of pieces, and data.
fn joined(mut pieces: Vec<(u8, u8, &[u8])>) -> Option<Vec<u8>> {
    // Some writers add a copy of a profile that is there already. If two pieces have the same
    // number, the first counts.
    pieces.sort_by_key(|(number, ..)| *number);
    pieces.dedup_by_key(|(number, ..)| *number);
    let count = pieces.len();
    let mut numbered = pieces.iter().zip(1..);
    let is_whole = numbered.all(|(piece, i)| {
        let &(number, of, _) = piece;
        (usize::from(number), usize::from(of)) == (i, count)
    });
    let joined: Vec<u8> = pieces
        .iter()
        .flat_map(|(.., piece)| *piece)
        .copied()
        .collect();
    // Some writers number the pieces wrongly. The profile contains its own length.
    let length = joined
        .first_chunk()
        .map(|&length| u32::from_be_bytes(length));
    let knows = is_profile(&joined) && length.is_some_and(|length| length as usize == joined.len());
    ((is_whole && count > 0) || knows).then_some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::exif::tests::exif;
    use imagecuda_kernels::orient::Orientation;

    fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], data].concat()
    }

    #[test]
    fn jpeg_segments_are_found_and_pieces_joined() {
        let file = [
            &[0xff, 0xd8][..],
            &segment(0xe2, b"ICC_PROFILE\0\x02\x02file"),
            &[0xff], // filler
            &segment(0xe1, &[b"Exif\0\0", &exif(3, false)[..]].concat()),
            &segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0"),
            &segment(0xe2, b"ICC_PROFILE\0\x01\x02pro"),
            &[0xff, 0xda],
        ]
        .concat();
        let found = metadata(&file);
        assert_eq!(found.icc.as_deref(), Some(&b"profile"[..]));
        assert_eq!(found.orientation(), Orientation::Rotate180);
        for cut in 0..file.len() {
            metadata(&file[..cut]);
        }
        let half = [
            &[0xff, 0xd8][..],
            &segment(0xe2, b"ICC_PROFILE\0\x02\x02file"),
        ]
        .concat();
        assert_eq!(metadata(&half).icc, None);
    }
}
