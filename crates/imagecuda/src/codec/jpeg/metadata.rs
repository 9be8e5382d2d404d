//! Reads the metadata in the segments of a JPEG.

use crate::{
    jpeg::segments,
    metadata::embedded::{Embedded, is_profile, kept, strip_exif},
};

/// Reads the segments before the scan: EXIF in APP1, and the ICC profile in numbered pieces in
/// APP2.
pub(super) fn metadata(bytes: &[u8]) -> Embedded {
    let mut metadata = Embedded::default();
    // By number. If two pieces have the same, the first counts: some writers add a copy of a profile that
    // is there already.
    let mut pieces = [None; 256];
    for segment in segments::head(bytes) {
        match segment.marker {
            0xe1 => {
                let exif = strip_exif(segment.data).filter(|exif| !exif.is_empty());
                if let Some(exif) = exif {
                    metadata.exif = metadata.exif.or_else(|| kept(exif));
                }
            }
            0xe2 => {
                if let Some([number, of, piece @ ..]) = segment.data.strip_prefix(b"ICC_PROFILE\0")
                {
                    pieces[usize::from(*number)].get_or_insert((*of, piece));
                }
            }
            _ => {}
        }
    }
    metadata.icc = joined(&pieces);
    metadata
}

/// Joins the pieces of a profile. Each has the number of pieces, and data.
fn joined(pieces: &[Option<(u8, &[u8])>; 256]) -> Option<Vec<u8>> {
    let numbered = pieces.iter().enumerate();
    let numbered = numbered.filter_map(|(number, piece)| Some((number, (*piece)?)));
    let count = numbered.clone().count();
    let is_whole = (numbered.clone().zip(1..))
        .all(|((number, (of, _)), i)| (number, usize::from(of)) == (i, count));
    let pieces: Vec<&[u8]> = numbered.map(|(_, (_, piece))| piece).collect();
    let joined = pieces.concat();
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
