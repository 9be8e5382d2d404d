//! What files say beside their pixels. Read from the containers themselves, so that every
//! decoder's answer is the same; what is damaged here counts as not there.

use super::{
    exif,
    png_chunks::{Chunk, chunks},
};
use crate::{
    ColorPolicy, Format,
    color::{Cicp, is_srgb},
};
use imagecuda_kernels::orient::Orientation;

/// What a file says beside its pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// EXIF's TIFF structure, without the "Exif" before it.
    pub(crate) exif: Option<Vec<u8>>,
    /// An ICC profile.
    pub(crate) icc: Option<Vec<u8>>,
    /// The colours as code points, which go before an ICC profile in PNG and behind one in HEIF.
    pub(crate) cicp: Option<Cicp>,
    /// Whether the file is gray, whatever its pixels are decoded as: frames of an animation are
    /// RGBA.
    pub(crate) is_gray: bool,
    /// The format's own orientation.
    pub(super) orientation: Option<Orientation>,
    /// What the decoder itself applies, whatever EXIF says.
    pub(super) applied: Option<Orientation>,
}

impl Metadata {
    /// Reads what `bytes`, in `format`, say.
    pub(crate) fn read(format: Format, bytes: &[u8]) -> Self {
        match format {
            Format::Jpeg => jpeg(bytes),
            Format::Png => png(bytes),
            #[cfg(feature = "webp")]
            Format::WebP => webp(bytes),
            #[cfg(feature = "tiff")]
            Format::Tiff => tiff(bytes).unwrap_or_default(),
            #[cfg(feature = "heif")]
            Format::Avif | Format::Heif => super::heif::metadata(bytes),
            _ => Self::default(),
        }
    }

    /// How the stored pixels are to be turned: by the format's own word, else by EXIF's.
    pub(crate) fn orientation(&self) -> Orientation {
        let exif = || self.exif.as_deref().and_then(exif::orientation);
        self.applied
            .or(self.orientation)
            .or_else(exif)
            .unwrap_or_default()
    }

    /// How the decoder's pixels are to be turned: for viewing, or to be as they are stored.
    pub(crate) fn turn(&self, for_viewing: bool) -> Orientation {
        match (self.applied, for_viewing) {
            (None, true) => self.orientation(),
            (Some(applied), false) => match applied {
                Orientation::Rotate90 => Orientation::Rotate270,
                Orientation::Rotate270 => Orientation::Rotate90,
                // The others undo themselves.
                other => other,
            },
            (None, false) | (Some(_), true) => Orientation::Normal,
        }
    }

    /// What goes on with the pixels: EXIF that says how they are still to be turned, and the
    /// profile if that `profile_holds`.
    pub(crate) fn carried(&self, for_viewing: bool, profile_holds: bool) -> crate::Metadata {
        let left = match for_viewing {
            true => Orientation::Normal,
            false => self.orientation(),
        };
        let mut carried = crate::Metadata::new();
        match self.exif.as_deref().filter(|exif| exif::is_valid(exif)) {
            Some(exif) => carried = carried.with_exif(exif::with_orientation(exif, left)),
            None if left == Orientation::Normal => {}
            None => carried = carried.with_exif(exif::of_orientation(left)),
        }
        match self
            .icc
            .as_deref()
            .filter(|icc| profile_holds && is_rgb_profile(icc))
        {
            Some(icc) => carried.with_icc_profile(icc),
            None => carried,
        }
    }

    /// Whether the profile still says what the colours are of pixels that were loaded by
    /// `policy` and `converted` or not.
    pub(crate) fn profile_holds(
        &self,
        format: Format,
        policy: ColorPolicy,
        is_gray: bool,
        converted: bool,
    ) -> bool {
        // Another word than the profile's, or a profile that is of no use: they are sRGB.
        let overruled = format == Format::Png && self.cicp.is_some();
        match policy {
            ColorPolicy::Raw => true,
            ColorPolicy::ToSrgb if converted || is_gray || overruled => false,
            ColorPolicy::ToSrgb => self.icc.as_deref().is_some_and(is_srgb),
        }
    }
}

/// Whether this is an ICC profile by its header.
pub(super) fn is_profile(icc: &[u8]) -> bool {
    icc.len() >= 128 && icc[36..40] == *b"acsp"
}

/// Whether this is one for pixels of RGB, which is what files are saved in.
pub(super) fn is_rgb_profile(icc: &[u8]) -> bool {
    is_profile(icc) && icc[16..20] == *b"RGB "
}

/// Segments before the scan: EXIF in APP1, the profile in numbered pieces in APP2.
fn jpeg(bytes: &[u8]) -> Metadata {
    let mut metadata = Metadata::default();
    let mut pieces: Vec<(u8, u8, &[u8])> = Vec::new();
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xff, marker, after @ ..] = rest {
        match marker {
            // Filler, and markers without a segment.
            0xff => {
                rest = &rest[1..];
                continue;
            }
            0x01 | 0xd0..=0xd8 => {
                rest = after;
                continue;
            }
            0xd9 | 0xda => break,
            _ => {}
        }
        let Some(length) = after
            .first_chunk()
            .map(|l| usize::from(u16::from_be_bytes(*l)))
        else {
            break;
        };
        let Some(segment) = after.get(2..length) else {
            break;
        };
        match marker {
            0xe1 => {
                if let Some(exif) = strip_exif(segment) {
                    metadata.exif.get_or_insert_with(|| exif.to_vec());
                }
            }
            0xe2 => {
                if let Some([number, of, piece @ ..]) = segment.strip_prefix(b"ICC_PROFILE\0") {
                    pieces.push((*number, *of, piece));
                }
            }
            _ => {}
        }
        rest = &after[length..];
    }
    pieces.sort_by_key(|(number, ..)| *number);
    let in_order = |(i, (number, of, _)): (usize, &(u8, u8, &[u8]))| {
        usize::from(*number) == i + 1 && usize::from(*of) == pieces.len()
    };
    if !pieces.is_empty() && pieces.iter().enumerate().all(in_order) {
        let joined = pieces.iter().flat_map(|(.., piece)| *piece);
        metadata.icc = Some(joined.copied().collect());
    }
    metadata
}

/// What follows "Exif" and two bytes of filling.
pub(super) fn strip_exif(segment: &[u8]) -> Option<&[u8]> {
    segment
        .strip_prefix(b"Exif\0")
        .and_then(|rest| rest.get(1..))
}

fn png(bytes: &[u8]) -> Metadata {
    let mut metadata = Metadata::default();
    for Chunk { kind, data, .. } in chunks(bytes) {
        match (kind, data) {
            (b"IHDR", [.., kind, _, _, _]) => metadata.is_gray = matches!(kind, 0 | 4),
            (b"eXIf", _) => metadata.exif = Some(strip_exif(data).unwrap_or(data).to_vec()),
            // Goes before the profile, which is for readers that do not know it.
            // The last two are the matrix, which is none, and the range: full, as all pixels are.
            (b"cICP", &[primaries, transfer, 0, 1]) => {
                metadata.cicp = Some(Cicp {
                    primaries,
                    transfer,
                });
            }
            _ => {}
        }
    }
    #[cfg(feature = "png")]
    {
        metadata.icc = super::raster::png_profile(bytes);
    }
    metadata
}

#[cfg(feature = "webp")]
fn webp(bytes: &[u8]) -> Metadata {
    let mut metadata = Metadata::default();
    for (name, data) in super::riff::chunks(bytes) {
        match name {
            b"EXIF" => metadata.exif = Some(strip_exif(data).unwrap_or(data).to_vec()),
            b"ICCP" => metadata.icc = Some(data.to_vec()),
            _ => {}
        }
    }
    metadata
}

#[cfg(feature = "tiff")]
fn tiff(bytes: &[u8]) -> Option<Metadata> {
    use tiff::{decoder::Decoder, tags::Tag};
    let mut decoder = Decoder::new(std::io::Cursor::new(bytes)).ok()?;
    let orientation = decoder
        .find_tag_unsigned::<u16>(Tag::Orientation)
        .ok()
        .flatten();
    let profile = decoder.find_tag(Tag::IccProfile).ok().flatten();
    Some(Metadata {
        exif: exif::Tree::read(bytes)
            .filter(exif::Tree::describes)
            .and_then(|tree| tree.to_exif()),
        icc: profile.and_then(|profile| profile.into_u8_vec().ok()),
        orientation: orientation.and_then(|number| Orientation::from_exif(number.into())),
        ..Metadata::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::exif::tests::exif;

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
        let metadata = Metadata::read(Format::Jpeg, &file);
        assert_eq!(metadata.icc.as_deref(), Some(&b"profile"[..]));
        assert_eq!(metadata.orientation(), Orientation::Rotate180);
        for cut in 0..file.len() {
            Metadata::read(Format::Jpeg, &file[..cut]);
        }
        let half = [
            &[0xff, 0xd8][..],
            &segment(0xe2, b"ICC_PROFILE\0\x02\x02file"),
        ]
        .concat();
        assert_eq!(Metadata::read(Format::Jpeg, &half).icc, None);
    }

    #[test]
    fn png_chunks_are_found() {
        let exif = exif(8, true);
        let length = u32::try_from(exif.len()).unwrap();
        let file = [
            b"\x89PNG\r\n\x1a\n",
            &length.to_be_bytes()[..],
            b"eXIf",
            &exif,
            b"crc!",
        ]
        .concat();
        let metadata = Metadata::read(Format::Png, &file);
        assert_eq!(metadata.orientation(), Orientation::Rotate270);
        for cut in 0..file.len() {
            Metadata::read(Format::Png, &file[..cut]);
        }
    }

    #[cfg(feature = "webp")]
    #[test]
    fn webp_chunks_are_found() {
        let exif = exif(8, true);
        let length = u32::try_from(exif.len()).unwrap();
        let odd = [b"XMP \x03\0\0\0abc\0EXIF", &length.to_le_bytes()[..], &exif].concat();
        let file = [b"RIFF\0\0\0\0WEBP", &odd[..]].concat();
        let metadata = Metadata::read(Format::WebP, &file);
        assert_eq!(metadata.orientation(), Orientation::Rotate270);
        for cut in 0..file.len() {
            Metadata::read(Format::WebP, &file[..cut]);
        }
    }
}
