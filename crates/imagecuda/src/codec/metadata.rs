//! What files say beside their pixels. Read from the containers themselves, so that every
//! decoder's answer is the same; what is damaged here counts as not there.

use crate::{Format, color::Cicp};
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
    /// The format's own orientation.
    orientation: Option<Orientation>,
}

impl Metadata {
    /// Reads what `bytes`, in `format`, say.
    pub(crate) fn read(format: Format, bytes: &[u8]) -> Self {
        match format {
            Format::Jpeg => jpeg(bytes),
            Format::Png => png(bytes),
            Format::WebP => webp(bytes),
            #[cfg(feature = "tiff")]
            Format::Tiff => tiff(bytes).unwrap_or_default(),
            _ => Self::default(),
        }
    }

    /// How the pixels are to be turned: by the format's own word, else by EXIF's.
    pub(crate) fn orientation(&self) -> Orientation {
        let exif = || self.exif.as_deref().and_then(exif_orientation);
        self.orientation.or_else(exif).unwrap_or_default()
    }
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
fn strip_exif(segment: &[u8]) -> Option<&[u8]> {
    segment
        .strip_prefix(b"Exif\0")
        .and_then(|rest| rest.get(1..))
}

fn png(bytes: &[u8]) -> Metadata {
    let mut metadata = Metadata::default();
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = u32::from_be_bytes(*length) as usize;
        let (Some(name), Some(data)) =
            (after.get(..4), after.get(4..).and_then(|a| a.get(..length)))
        else {
            break;
        };
        match (name, data) {
            (b"eXIf", _) => metadata.exif = Some(strip_exif(data).unwrap_or(data).to_vec()),
            // The last two are the matrix, which is none, and the range: full, as all pixels are.
            (b"cICP", &[primaries, transfer, 0, 1]) => {
                metadata.cicp = Some(Cicp {
                    primaries,
                    transfer,
                });
            }
            _ => {}
        }
        // The checksum after the data is the decoder's affair.
        rest = after.get(4 + length + 4..).unwrap_or_default();
    }
    #[cfg(feature = "png")]
    {
        metadata.icc = super::raster::png_profile(bytes);
    }
    metadata
}

fn webp(bytes: &[u8]) -> Metadata {
    let mut metadata = Metadata::default();
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((name, after)) = rest.split_first_chunk::<4>() {
        let Some((length, after)) = after.split_first_chunk() else {
            break;
        };
        let length = u32::from_le_bytes(*length) as usize;
        let Some(data) = after.get(..length) else {
            break;
        };
        match name {
            b"EXIF" => metadata.exif = Some(strip_exif(data).unwrap_or(data).to_vec()),
            b"ICCP" => metadata.icc = Some(data.to_vec()),
            _ => {}
        }
        // Chunks are padded to an even length.
        rest = after.get(length + length % 2..).unwrap_or_default();
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
        exif: None,
        cicp: None,
        icc: profile.and_then(|profile| profile.into_u8_vec().ok()),
        orientation: orientation.and_then(|number| Orientation::from_exif(number.into())),
    })
}

/// Tag 274 of the first directory.
fn exif_orientation(exif: &[u8]) -> Option<Orientation> {
    let big_endian = match exif.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let two = exif.get(at..)?.first_chunk()?;
        Some(match big_endian {
            true => u16::from_be_bytes(*two),
            false => u16::from_le_bytes(*two),
        })
    };
    let u32_at = |at: usize| {
        let four = exif.get(at..)?.first_chunk()?;
        Some(match big_endian {
            true => u32::from_be_bytes(*four),
            false => u32::from_le_bytes(*four),
        })
    };
    let directory = u32_at(4)? as usize;
    let entries = usize::from(u16_at(directory)?);
    let entry = (0..entries)
        .map(|i| directory + 2 + 12 * i)
        .find(|&at| u16_at(at) == Some(274))?;
    const SHORT: u16 = 3;
    const LONG: u16 = 4;
    let number = match u16_at(entry + 2)? {
        SHORT => u16_at(entry + 8)?.into(),
        LONG => u32_at(entry + 8)?,
        _ => return None,
    };
    Orientation::from_exif(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An EXIF structure of this orientation.
    fn exif(number: u16, big_endian: bool) -> Vec<u8> {
        let two = |v: u16| match big_endian {
            true => v.to_be_bytes(),
            false => v.to_le_bytes(),
        };
        let four = |v: u32| match big_endian {
            true => v.to_be_bytes(),
            false => v.to_le_bytes(),
        };
        let mut bytes = if big_endian { *b"MM\0*" } else { *b"II*\0" }.to_vec();
        bytes.extend(four(8));
        bytes.extend(two(2)); // entries
        for (tag, value) in [(271, 9), (274, number)] {
            bytes.extend(two(tag));
            bytes.extend(two(3));
            bytes.extend(four(1));
            bytes.extend(two(value));
            bytes.extend(two(0));
        }
        bytes
    }

    #[test]
    fn finds_orientations_in_both_byte_orders() {
        for number in 1..=8 {
            for big_endian in [true, false] {
                let found = exif_orientation(&exif(number, big_endian)).unwrap();
                assert_eq!(found as u32, u32::from(number));
            }
        }
        assert_eq!(exif_orientation(&exif(0, true)), None);
        assert_eq!(exif_orientation(&exif(9, false)), None);
    }

    #[test]
    fn damage_is_as_if_it_were_not_there() {
        let whole = exif(6, true);
        for cut in 0..whole.len() - 2 {
            assert_eq!(exif_orientation(&whole[..cut]), None, "{cut} bytes");
        }
        let mut endless = whole;
        endless[8..10].fill(0xff); // entries
        endless[4..8].fill(0xff); // the directory's place
        assert_eq!(exif_orientation(&endless), None);
    }

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
    fn png_and_webp_chunks_are_found() {
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
        let odd = [b"XMP \x03\0\0\0abc\0EXIF", &length.to_le_bytes()[..], &exif].concat();
        let file = [b"RIFF\0\0\0\0WEBP", &odd[..]].concat();
        let metadata = Metadata::read(Format::WebP, &file);
        assert_eq!(metadata.orientation(), Orientation::Rotate270);
        for cut in 0..file.len() {
            Metadata::read(Format::WebP, &file[..cut]);
            Metadata::read(Format::Png, &file[..cut]);
        }
    }
}
