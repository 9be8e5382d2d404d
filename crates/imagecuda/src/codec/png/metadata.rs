//! The metadata in a PNG's chunks.

use super::{chunks::chunks, decode};
use crate::{
    color::Cicp,
    metadata::embedded::{Embedded, kept, strip_exif},
};

/// Only chunks with a right checksum count, and the first one of each kind.
pub(super) fn metadata(bytes: &[u8]) -> Embedded {
    let mut metadata = Embedded {
        cicp_overrules_icc: true,
        ..Embedded::default()
    };
    let mut profile = None;
    for chunk in chunks(bytes) {
        let data = chunk.data;
        match (chunk.kind, data) {
            (b"IHDR", [.., kind, _, _, _]) => metadata.is_gray = matches!(kind, 0 | 4),
            (b"eXIf", _) if metadata.exif.is_none() && chunk.is_right() => {
                metadata.exif = kept(strip_exif(data).unwrap_or(data));
            }
            // cICP takes precedence over the profile, which is for readers that do not know cICP.
            // The last two bytes are the matrix, which must be 0, and the range, which must be
            // full, as pixels are full-range.
            (b"cICP", &[primaries, transfer, 0, 1])
                if metadata.cicp.is_none() && chunk.is_right() =>
            {
                metadata.cicp = Some(Cicp {
                    primaries,
                    transfer,
                });
            }
            (b"iCCP", _) if profile.is_none() && chunk.is_right() => profile = Some(data),
            // After the pixels it would be too late for readers that show pixels while they read
            // them.
            (b"IDAT", _) => profile = profile.or(Some(&[])),
            _ => {}
        }
    }
    metadata.icc = profile.and_then(decode::profile);
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::exif::tests::exif;
    use imagecuda_kernels::orient::Orientation;

    #[test]
    fn png_chunks_are_found() {
        let chunk = |exif: &[u8], damage: u32| {
            let whole = [b"eXIf", exif].concat();
            let length = u32::try_from(exif.len()).unwrap().to_be_bytes();
            let checksum = (crc32fast::hash(&whole) ^ damage).to_be_bytes();
            [&length[..], &whole, &checksum].concat()
        };
        let file = [
            &b"\x89PNG\r\n\x1a\n"[..],
            &chunk(&exif(6, true), 1),
            &chunk(&exif(8, true), 0),
            &chunk(&exif(3, true), 0),
        ]
        .concat();
        let found = metadata(&file);
        assert_eq!(found.orientation(), Orientation::Rotate270);
        for cut in 0..file.len() {
            metadata(&file[..cut]);
        }
    }
}
