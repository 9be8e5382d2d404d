//! The file formats, and how to recognise them.

use std::{ffi::OsStr, fmt, path::Path};

/// An image file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// AVIF: AV1 in an ISO media file.
    Avif,
    /// Windows bitmap.
    Bmp,
    /// OpenEXR: float, linear light.
    Exr,
    /// GIF: palette.
    Gif,
    /// Radiance HDR: float, linear light.
    Hdr,
    /// HEIF and HEIC: HEVC in an ISO media file.
    Heif,
    /// Windows icon.
    Ico,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// The Netpbm family: PBM, PGM, PPM, PAM, PFM.
    Pnm,
    /// The Quite OK Image format.
    Qoi,
    /// Truevision TGA. It has no magic bytes, so only the extension shows the format.
    Tga,
    /// TIFF.
    Tiff,
    /// WebP.
    WebP,
}

impl Format {
    /// Every format, including those that this build cannot read or write.
    pub const ALL: &'static [Self] = &[
        Self::Avif,
        Self::Bmp,
        Self::Exr,
        Self::Gif,
        Self::Hdr,
        Self::Heif,
        Self::Ico,
        Self::Jpeg,
        Self::Png,
        Self::Pnm,
        Self::Qoi,
        Self::Tga,
        Self::Tiff,
        Self::WebP,
    ];

    /// Recognises the format by the first bytes of a file. A few hundred bytes are enough. TGA
    /// cannot be recognised.
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        let starts = |magic: &[&[u8]]| magic.iter().any(|magic| bytes.starts_with(magic));
        let at = |range| bytes.get(range).unwrap_or_default();
        // libjpeg accepts bytes before the first marker.
        if starts(&[b"\xff\xd8"]) && bytes.len() > 2 {
            Some(Self::Jpeg)
        } else if starts(&[b"\x89PNG\r\n\x1a\n"]) {
            Some(Self::Png)
        } else if starts(&[b"RIFF"]) && at(8..12) == b"WEBP" {
            Some(Self::WebP)
        } else if starts(&[b"GIF87a", b"GIF89a"]) {
            Some(Self::Gif)
        } else if starts(&[b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"]) {
            Some(Self::Tiff)
        } else if at(4..8) == b"ftyp" {
            sniff_brands(bytes)
        } else if starts(&[b"qoif"]) {
            Some(Self::Qoi)
        } else if starts(&[b"\x76\x2f\x31\x01"]) {
            Some(Self::Exr)
        } else if starts(&[b"#?RADIANCE", b"#?RGBE"]) || is_radiance(bytes) {
            Some(Self::Hdr)
        } else if starts(&[b"BM"]) && matches!(at(14..18), [12..=124, 0, 0, 0]) {
            // Many texts start with "BM", so the size of the header that follows must be a valid
            // one.
            Some(Self::Bmp)
        } else if is_netpbm(bytes) {
            Some(Self::Pnm)
        } else if is_ico(bytes) {
            Some(Self::Ico)
        } else {
            None
        }
    }

    /// The format of a file name's extension, given without the dot. Case does not matter.
    pub fn from_extension(extension: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| {
            let known = format.extensions();
            known
                .iter()
                .any(|known| known.eq_ignore_ascii_case(extension))
        })
    }

    /// The format that a path's extension names.
    pub fn from_path(path: impl AsRef<Path>) -> Option<Self> {
        Self::from_extension(path.as_ref().extension().and_then(OsStr::to_str)?)
    }

    /// The extensions of this format, the usual one first.
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Avif => &["avif", "avifs"],
            Self::Bmp => &["bmp", "dib"],
            Self::Exr => &["exr"],
            Self::Gif => &["gif"],
            Self::Hdr => &["hdr", "rgbe"],
            Self::Heif => &["heic", "heif", "hif"],
            Self::Ico => &["ico"],
            Self::Jpeg => &["jpg", "jpeg", "jpe", "jfif", "jfi", "jif", "pjpeg", "pjp"],
            Self::Png => &["png", "apng"],
            Self::Pnm => &["ppm", "pnm", "pgm", "pbm", "pam", "pfm"],
            Self::Qoi => &["qoi"],
            Self::Tga => &["tga", "icb", "vda", "vst"],
            Self::Tiff => &["tiff", "tif"],
            Self::WebP => &["webp"],
        }
    }

    /// The crate's feature that enables the format.
    pub(crate) const fn feature(self) -> &'static str {
        match self {
            Self::Avif | Self::Heif => "heif",
            Self::Bmp => "bmp",
            Self::Exr => "exr",
            Self::Gif => "gif",
            Self::Hdr => "hdr",
            Self::Ico => "ico",
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Pnm => "pnm",
            Self::Qoi => "qoi",
            Self::Tga => "tga",
            Self::Tiff => "tiff",
            Self::WebP => "webp",
        }
    }

    /// Whether this build can read the format.
    pub const fn can_load(self) -> bool {
        match self {
            Self::Avif | Self::Heif => cfg!(feature = "heif"),
            Self::Bmp => cfg!(feature = "bmp"),
            Self::Exr => cfg!(feature = "exr"),
            Self::Gif => cfg!(feature = "gif"),
            Self::Hdr => cfg!(feature = "hdr"),
            Self::Ico => cfg!(feature = "ico"),
            Self::Jpeg => cfg!(feature = "jpeg"),
            Self::Png => cfg!(feature = "png"),
            Self::Pnm => cfg!(feature = "pnm"),
            Self::Qoi => cfg!(feature = "qoi"),
            Self::Tga => cfg!(feature = "tga"),
            Self::Tiff => cfg!(feature = "tiff"),
            Self::WebP => cfg!(feature = "webp"),
        }
    }

    /// Whether this build can write the format.
    pub const fn can_save(self) -> bool {
        // Every codec does both.
        self.can_load()
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Avif => "AVIF",
            Self::Bmp => "BMP",
            Self::Exr => "OpenEXR",
            Self::Gif => "GIF",
            Self::Hdr => "Radiance HDR",
            Self::Heif => "HEIF",
            Self::Ico => "ICO",
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Pnm => "PNM",
            Self::Qoi => "QOI",
            Self::Tga => "TGA",
            Self::Tiff => "TIFF",
            Self::WebP => "WebP",
        })
    }
}

/// Programs sign with names of their own after "#?", and say what the pixels are.
fn is_radiance(bytes: &[u8]) -> bool {
    let header = &bytes[..bytes.len().min(300)];
    let format = b"\nFORMAT=32-bit_rle_";
    bytes.starts_with(b"#?") && header.windows(format.len()).any(|part| part == format)
}

fn is_netpbm(bytes: &[u8]) -> bool {
    matches!(bytes, [b'P', b'1'..=b'7' | b'F' | b'f', next, ..]
        if next.is_ascii_whitespace() || *next == b'#')
}

/// The magic bytes of icons and cursors are common, so the directory must be valid: it has entries,
/// and the first entry's image lies after them.
fn is_ico(bytes: &[u8]) -> bool {
    let Some(
        &[
            0,
            0,
            1 | 2,
            0,
            n0,
            n1,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            ref length_and_offset @ ..,
        ],
    ) = bytes.first_chunk::<22>()
    else {
        return false;
    };
    let count = u64::from(u16::from_le_bytes([n0, n1]));
    let both = u64::from_le_bytes(*length_and_offset);
    let (length, offset) = (both & 0xffff_ffff, both >> 32);
    count > 0 && length > 0 && offset >= 6 + 16 * count
}

/// The brands of an ISO media file: the major brand, and the compatible brands.
fn sniff_brands(bytes: &[u8]) -> Option<Format> {
    let size = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    let brands = bytes.get(8..size.min(bytes.len()))?.chunks_exact(4);
    let mut found = None;
    for (index, brand) in brands.enumerate() {
        match brand {
            _ if index == 1 => {} // the minor version stands between
            b"avif" | b"avis" => return Some(Format::Avif),
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs"
            | b"mif1" | b"msf1" => found = Some(Format::Heif),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sniffs_magic_bytes() {
        let ico = b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0\x68\x04\0\0\x16\0\0\0";
        let cursor = b"\0\0\x02\0\x01\0\x10\x10\0\0\x03\0\x05\0\x68\x04\0\0\x16\0\0\0";
        let bmp = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0";
        let table: &[(&[u8], Option<Format>)] = &[
            (b"\xff\xd8\xff\xe0", Some(Format::Jpeg)),
            (b"\x89PNG\r\n\x1a\n", Some(Format::Png)),
            (b"GIF89a", Some(Format::Gif)),
            (b"GIF87a", Some(Format::Gif)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some(Format::WebP)),
            (b"II*\0", Some(Format::Tiff)),
            (b"MM\0*", Some(Format::Tiff)),
            (b"II+\0\x08\0\0\0", Some(Format::Tiff)),
            (b"qoif\0\0", Some(Format::Qoi)),
            (b"v/1\x01\x02", Some(Format::Exr)),
            (b"#?RADIANCE\n", Some(Format::Hdr)),
            (b"#?RGBE\n", Some(Format::Hdr)),
            (
                b"#?AUTOPANO\n# Made by hand\nFORMAT=32-bit_rle_rgbe\n",
                Some(Format::Hdr),
            ),
            (b"#?FORMAT=32-bit_rle_rgbe", None),
            (b"P6\n1 1\n255\n", Some(Format::Pnm)),
            (b"P4#comment", Some(Format::Pnm)),
            (b"PF\n1 1\n-1\n", Some(Format::Pnm)),
            (bmp, Some(Format::Bmp)),
            (cursor, Some(Format::Ico)),
            (ico, Some(Format::Ico)),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Some(Format::Heif)),
            (
                b"\0\0\0\x1cftypmif1\0\0\0\0mif1miafavif",
                Some(Format::Avif),
            ),
            (b"\0\0\0\x14ftypavis\0\0\0\0", Some(Format::Avif)),
            // Files that are almost of a known format.
            (b"", None),
            (b"\xff\xd8", None),
            (b"RIFF\x10\0\0\0WAVEfmt ", None),
            (b"BMW is a maker of cars, not a bitmap", None),
            (b"P8\n1 1\n255\n", None),
            (b"P6x", None),
            (
                b"\0\0\x01\0\0\0\x10\x10\0\0\x01\0\x20\0\x68\x04\0\0\x16\0\0\0",
                None,
            ),
            (b"\0\0\x02\0\0\0\0\0\0\0\0\0\x01\0\x01\0\x18\0", None),
            (b"\0\0\0\x18ftypisom\0\0\0\0mp42mp41", None),
            // These brands lie beyond the end of their box.
            (b"\0\0\0\x10ftypisom\0\0\0\0heicheic", None),
        ];
        for (bytes, format) in table {
            assert_eq!(Format::sniff(bytes), *format, "{:?}", bytes.escape_ascii());
        }
    }

    #[test]
    fn names_and_extensions() {
        assert_eq!(Format::from_path("a.b/PHOTO.JpG"), Some(Format::Jpeg));
        assert_eq!(Format::from_path("scan.TIF"), Some(Format::Tiff));
        assert_eq!(Format::from_path("jpg"), None);
        assert_eq!(Format::from_path("a.txt"), None);
        for &format in Format::ALL {
            for extension in format.extensions() {
                assert_eq!(Format::from_extension(extension), Some(format));
            }
        }
        assert_eq!(Format::WebP.to_string(), "WebP");
        assert_eq!(format!("{:>5}", Format::Png), "  PNG");
    }

    #[test]
    fn tells_what_this_build_can_do() {
        assert_eq!(Format::Heif.can_load(), cfg!(feature = "heif"));
        assert_eq!(Format::Avif.can_save(), cfg!(feature = "heif"));
        assert_eq!(Format::Jpeg.can_load(), cfg!(feature = "jpeg"));
        assert_eq!(Format::Tiff.can_save(), cfg!(feature = "tiff"));
    }
}
