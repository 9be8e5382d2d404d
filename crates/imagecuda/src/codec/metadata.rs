//! What files say beside their pixels. Read from the containers themselves, so that every
//! decoder's answer is the same; what is damaged here counts as not there.

use super::exif;
#[cfg(feature = "png")]
use super::png_chunks::chunks;
use crate::{ColorPolicy, Format, color::Cicp};
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
            #[cfg(feature = "jpeg")]
            Format::Jpeg => jpeg(bytes),
            #[cfg(feature = "png")]
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
        let is_usable = |icc: &Vec<u8>| moxcms::ColorProfile::new_from_slice(icc).is_ok();
        match policy {
            ColorPolicy::Raw => true,
            ColorPolicy::ToSrgb if converted || is_gray || overruled => false,
            ColorPolicy::ToSrgb => self.icc.as_ref().is_some_and(is_usable),
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
#[cfg(feature = "jpeg")]
fn jpeg(bytes: &[u8]) -> Metadata {
    let mut metadata = Metadata::default();
    let mut pieces = Vec::new();
    for segment in super::jpeg::segments::head(bytes) {
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

/// A profile of its pieces: their numbers, how many there are, and what they hold.
#[cfg(feature = "jpeg")]
fn joined(mut pieces: Vec<(u8, u8, &[u8])>) -> Option<Vec<u8>> {
    // Some writers copy a profile that is there already: of two pieces of a number the first
    // counts.
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
    // Some writers count wrongly. The profile itself knows its length.
    let length = joined
        .first_chunk()
        .map(|&length| u32::from_be_bytes(length));
    let knows = is_profile(&joined) && length.is_some_and(|length| length as usize == joined.len());
    ((is_whole && count > 0) || knows).then_some(joined)
}

/// What follows "Exif" and two bytes of filling.
pub(super) fn strip_exif(segment: &[u8]) -> Option<&[u8]> {
    segment
        .strip_prefix(b"Exif\0")
        .and_then(|rest| rest.get(1..))
}

/// Chunks whose checksums are right. Of two of a kind the first counts.
#[cfg(feature = "png")]
fn png(bytes: &[u8]) -> Metadata {
    let mut metadata = Metadata::default();
    let mut profile = None;
    for chunk in chunks(bytes) {
        let data = chunk.data;
        match (chunk.kind, data) {
            (b"IHDR", [.., kind, _, _, _]) => metadata.is_gray = matches!(kind, 0 | 4),
            (b"eXIf", _) if metadata.exif.is_none() && chunk.is_right() => {
                metadata.exif = Some(strip_exif(data).unwrap_or(data).to_vec());
            }
            // Goes before the profile, which is for readers that do not know it.
            // The last two are the matrix, which is none, and the range: full, as all pixels are.
            (b"cICP", &[primaries, transfer, 0, 1])
                if metadata.cicp.is_none() && chunk.is_right() =>
            {
                metadata.cicp = Some(Cicp {
                    primaries,
                    transfer,
                });
            }
            (b"iCCP", _) if profile.is_none() && chunk.is_right() => profile = Some(data),
            // It would come too late for those who show pixels as they read them.
            (b"IDAT", _) => profile = profile.or(Some(&[])),
            _ => {}
        }
    }
    metadata.icc = profile.and_then(super::png::decode::profile);
    metadata
}

/// What the extended header says is there. Of two chunks of a kind the first counts.
#[cfg(feature = "webp")]
fn webp(bytes: &[u8]) -> Metadata {
    use super::riff;
    let mut metadata = Metadata::default();
    let Ok(file) = riff::regular(bytes) else {
        return metadata;
    };
    let flags = riff::flags(&file).unwrap_or(0);
    for (name, data) in riff::chunks(&file) {
        match name {
            b"EXIF" if flags & riff::EXIF != 0 => {
                let exif = strip_exif(data).unwrap_or(data);
                metadata.exif.get_or_insert_with(|| exif.to_vec());
            }
            b"ICCP" if flags & riff::ICC != 0 => {
                metadata.icc.get_or_insert_with(|| data.to_vec());
            }
            _ => {}
        }
    }
    metadata
}

#[cfg(feature = "tiff")]
fn tiff(bytes: &[u8]) -> Option<Metadata> {
    use tiff::{decoder::Decoder, tags::Tag};
    let mut decoder = Decoder::new(std::io::Cursor::new(bytes)).ok()?;
    let profile = decoder.find_tag(Tag::IccProfile).ok().flatten();
    Some(Metadata {
        exif: exif::Tree::read(bytes)
            .filter(exif::Tree::describes)
            .and_then(|tree| tree.to_exif()),
        icc: profile.and_then(|profile| profile.into_u8_vec().ok()),
        orientation: exif::orientation(bytes),
        ..Metadata::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::exif::tests::exif;

    #[cfg(feature = "jpeg")]
    fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], data].concat()
    }

    #[cfg(feature = "jpeg")]
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

    #[cfg(feature = "png")]
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
        let extended = |flags: u8| {
            let header = [b"RIFF\xff\xff\0\0WEBPVP8X\x0a\0\0\0", &[flags][..], &[0; 9]].concat();
            [&header[..], &odd, &odd].concat()
        };
        let file = extended(0x0c);
        let metadata = Metadata::read(Format::WebP, &file);
        assert_eq!(metadata.orientation(), Orientation::Rotate270);
        // A header that denies it, and none.
        for denied in [extended(0x14), [b"RIFF\xff\xff\0\0WEBP", &odd[..]].concat()] {
            assert_eq!(Metadata::read(Format::WebP, &denied), Metadata::default());
        }
        for cut in 0..file.len() {
            Metadata::read(Format::WebP, &file[..cut]);
        }
    }
}
