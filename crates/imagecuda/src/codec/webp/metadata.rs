//! Reads the metadata in the chunks of a WebP.

use super::riff;
use crate::metadata::embedded::{Embedded, kept, strip_exif};

/// Reads the metadata that the extended header announces. If a chunk occurs twice, the first
/// counts.
pub(super) fn metadata(bytes: &[u8]) -> Embedded {
    let mut metadata = Embedded::default();
    let Ok(file) = riff::regular(bytes) else {
        return metadata;
    };
    let flags = riff::flags(&file).unwrap_or(0);
    for (name, data) in riff::chunks(&file) {
        match name {
            b"EXIF" if flags & riff::EXIF != 0 => {
                let exif = strip_exif(data).unwrap_or(data);
                metadata.exif = metadata.exif.or_else(|| kept(exif));
            }
            b"ICCP" if flags & riff::ICC != 0 => {
                metadata.icc = metadata.icc.or_else(|| kept(data));
            }
            _ => {}
        }
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::exif::tests::exif;
    use imagecuda_kernels::orient::Orientation;

    #[test]
    fn webp_chunks_are_found() {
        let exif = exif(8, true);
        let length = u32::try_from(exif.len()).unwrap();
        let odd = [b"XMP \x03\0\0\0abc\0EXIF", &length.to_le_bytes()[..], &exif].concat();
        let extended = |flags: u8| {
            let header = [b"RIFF\xff\xff\0\0WEBPVP8X\x0a\0\0\0", &[flags][..], &[0; 9]].concat();
            [&header[..], &odd, &odd].concat()
        };
        let file = extended(0x0c);
        let found = metadata(&file);
        assert_eq!(found.orientation(), Orientation::Rotate270);
        // A header without the flags, and a file without such a header.
        for denied in [extended(0x14), [b"RIFF\xff\xff\0\0WEBP", &odd[..]].concat()] {
            assert_eq!(metadata(&denied), Embedded::default());
        }
        for cut in 0..file.len() {
            metadata(&file[..cut]);
        }
    }
}
