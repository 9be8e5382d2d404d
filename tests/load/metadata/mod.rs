//! What goes with the pixels: written, read, and seen by other decoders.

use crate::support::{Noise, bits, same};
use image::ImageDecoder;
use imagecuda::{
    ColorPolicy, Device, Error, ErrorKind, Format, ImageU8, Layout, LoadOptions, Metadata,
    SaveOptions, inspect_bytes,
};
use libtest_mimic::Trial;
use moxcms::ColorProfile;
use std::{io::Cursor, time::Duration};
use tiff::{decoder::Decoder as Tiff, tags::Tag};

mod carried;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        every_format_keeps_what_it_is_given,
        other_decoders_see_it,
        pixels_are_the_same_with_it,
        what_is_no_metadata_is_refused,
        a_jpeg_takes_the_most_it_can_hold,
        animations_have_it_once,
    ]);
    trials.extend(carried::trials());
    trials
}

/// Those that have it and this build can write.
fn formats() -> impl Iterator<Item = Format> {
    use Format::*;
    let all = [Jpeg, Png, WebP, Tiff, Heif, Avif];
    all.into_iter().filter(|format| format.can_save())
}

/// A profile, and not when it was made: moxcms writes the time into each.
fn profile(profile: &ColorProfile) -> Vec<u8> {
    let mut bytes = profile.encode().unwrap();
    bytes[24..36].copy_from_slice(&[7, 234, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    bytes
}

fn p3() -> Vec<u8> {
    profile(&ColorProfile::new_display_p3())
}

const SHORT: u16 = 3;
const LONG: u16 = 4;

/// A tag, its type, and its values' bytes.
type Entry<'a> = (u16, u16, &'a [u8]);

/// A little-endian directory that begins at `start`, and the values behind it.
fn directory(start: usize, entries: &[Entry<'_>]) -> Vec<u8> {
    let end = start + 2 + 12 * entries.len() + 4;
    let mut bytes = (entries.len() as u16).to_le_bytes().to_vec();
    let mut values = Vec::new();
    for &(tag, kind, value) in entries {
        let size = [0, 1, 1, 2, 4, 8, 1, 1][usize::from(kind)];
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend(((value.len() / size) as u32).to_le_bytes());
        if value.len() > 4 {
            bytes.extend(((end + values.len()) as u32).to_le_bytes());
            values.extend(value);
            values.resize(values.len().next_multiple_of(2), 0);
        } else {
            bytes.extend(value);
            bytes.resize(bytes.len() + 4 - value.len(), 0);
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(values);
    bytes
}

/// All that EXIF usually has, as a camera writes it.
fn exif(orientation: u8) -> Vec<u8> {
    let exposure = [1_u32.to_le_bytes(), 250_u32.to_le_bytes()].concat();
    let resolution = [300_u32.to_le_bytes(), 1_u32.to_le_bytes()].concat();
    let gps: [Entry<'_>; 2] = [(0, 1, &[2, 3, 0, 0]), (1, 2, b"N\0")];
    let main = |exif: u32, gps: u32| -> Vec<u8> {
        let entries: [Entry<'_>; 7] = [
            (271, 2, b"Maker of cameras\0"),
            (274, SHORT, &[orientation, 0]),
            (282, 5, &resolution),
            (283, 5, &resolution),
            (296, SHORT, &[2, 0]),
            (34665, LONG, &exif.to_le_bytes()),
            (34853, LONG, &gps.to_le_bytes()),
        ];
        directory(8, &entries)
    };
    let inner = |at: usize, interoperability: u32| {
        let entries: [Entry<'_>; 4] = [
            (33434, 5, &exposure),
            (34855, SHORT, &[100, 0]),
            (37500, 7, b"a maker's note"),
            (40965, LONG, &interoperability.to_le_bytes()),
        ];
        directory(at, &entries)
    };
    let exif_at = 8 + main(0, 0).len();
    let gps_at = exif_at + inner(0, 0).len();
    let last_at = gps_at + directory(0, &gps).len();
    [
        b"II*\0\x08\0\0\0",
        &main(exif_at as u32, gps_at as u32)[..],
        &inner(exif_at, last_at as u32),
        &directory(gps_at, &gps),
        &directory(last_at, &[(1, 2, b"R98\0")]),
    ]
    .concat()
}

/// No symmetry, no sides of a round size.
fn picture(device: &Device) -> ImageU8 {
    let mut noise = Noise::new(21);
    let mut samples = Vec::new();
    for y in 0..19 {
        for x in 0..31 {
            let grain = (noise.next() >> 61) as u8;
            samples.extend([x * 8, y * 13, (x + y) * 5 + grain, 255 - x * 3]);
        }
    }
    ImageU8::from_pixels(device, 31, 19, Layout::Rgba8, &samples).unwrap()
}

fn encode(device: &Device, format: Format, metadata: Metadata) -> Vec<u8> {
    let options = SaveOptions::new().metadata(metadata);
    options.encode_u8(&picture(device), format).unwrap()
}

fn raw() -> LoadOptions {
    LoadOptions::new().color_policy(ColorPolicy::Raw)
}

fn every_format_keeps_what_it_is_given(device: &Device) {
    let (icc, exif) = (p3(), exif(1));
    for format in formats() {
        for (with_icc, with_exif) in [(true, true), (true, false), (false, true), (false, false)] {
            let mut metadata = Metadata::new();
            if with_icc {
                metadata = metadata.with_icc_profile(&icc);
            }
            if with_exif {
                metadata = metadata.with_exif(&exif);
            }
            let file = encode(device, format, metadata.clone());
            let info = inspect_bytes(&file).unwrap();
            assert_eq!(info.icc_profile(), metadata.icc_profile(), "{format}");
            let decoded = raw().open_bytes(device, &file).unwrap();
            if format == Format::Tiff {
                // Put together anew, so another order of the same.
                assert_eq!(
                    info.exif().map(<[u8]>::len),
                    metadata.exif().map(<[u8]>::len)
                );
                // From there on nothing moves.
                let again = encode(device, format, decoded.metadata().clone());
                assert_eq!(inspect_bytes(&again).unwrap().exif(), info.exif());
            } else {
                assert_eq!(info.exif(), metadata.exif(), "{format}");
                assert_eq!(decoded.metadata(), &metadata, "{format}");
            }
        }
        let prefixed = [b"Exif\0\0", &exif[..]].concat();
        let metadata = Metadata::new().with_exif(&prefixed);
        assert_eq!(metadata.exif(), Some(&exif[..]));
    }
}

fn other_decoders_see_it(device: &Device) {
    let (icc, exif) = (p3(), exif(6));
    let metadata = Metadata::new().with_icc_profile(&icc).with_exif(&exif);
    let file = |format| encode(device, format, metadata.clone());

    let png = file(Format::Png);
    let mut decoder = image::codecs::png::PngDecoder::new(Cursor::new(&png)).unwrap();
    assert_eq!(decoder.icc_profile().unwrap().as_ref(), Some(&icc));
    assert_eq!(decoder.exif_metadata().unwrap().as_ref(), Some(&exif));

    let jpeg = file(Format::Jpeg);
    let mut decoder = jpeg_decoder::Decoder::new(Cursor::new(&jpeg));
    decoder.decode().unwrap();
    assert_eq!(decoder.icc_profile().as_ref(), Some(&icc));
    assert_eq!(decoder.exif_data(), Some(&exif[..]));

    for options in [SaveOptions::new(), SaveOptions::new().quality(80)] {
        let options = options.metadata(metadata.clone());
        for options in [options.clone(), options.background([9, 9, 9])] {
            let image = picture(device);
            let webp = options.encode_u8(&image, Format::WebP).unwrap();
            let mut decoder = image_webp::WebPDecoder::new(Cursor::new(&webp)).unwrap();
            assert_eq!(decoder.icc_profile().unwrap().as_ref(), Some(&icc));
            assert_eq!(decoder.exif_metadata().unwrap().as_ref(), Some(&exif));
            assert_eq!(decoder.dimensions(), (31, 19));
            let plain = options.metadata(Metadata::new());
            let webp = plain.encode_u8(&image, Format::WebP).unwrap();
            let other = image_webp::WebPDecoder::new(Cursor::new(&webp)).unwrap();
            assert_eq!(decoder.has_alpha(), other.has_alpha());
            assert!(!decoder.is_animated());
        }
    }

    let tiff = file(Format::Tiff);
    let mut decoder = Tiff::new(Cursor::new(&tiff)).unwrap();
    assert_eq!(decoder.get_tag_u8_vec(Tag::IccProfile).unwrap(), icc);
    assert_eq!(decoder.get_tag_u32(Tag::Orientation).unwrap(), 6);
    assert_eq!(
        decoder.get_tag_ascii_string(Tag::Make).unwrap(),
        "Maker of cameras"
    );
    let values = |decoder: &mut Tiff<_>, at: Tag| {
        let at = decoder
            .find_tag(at)
            .unwrap()
            .unwrap()
            .into_ifd_pointer()
            .unwrap();
        let directory = decoder.read_directory(at).unwrap();
        let mut tags = decoder.read_directory_tags(&directory);
        let found: Vec<_> = directory.iter().map(|(tag, _)| tag.to_u16()).collect();
        let exposure = tags.find_tag(Tag::Unknown(33434)).unwrap();
        (found, exposure)
    };
    let (tags, exposure) = values(&mut decoder, Tag::ExifDirectory);
    assert_eq!(tags, [33434, 34855, 37500, 40965]);
    let expected = tiff::decoder::ifd::Value::Rational(1, 250);
    assert_eq!(exposure, Some(expected));
    assert_eq!(values(&mut decoder, Tag::GpsDirectory).0, [0, 1]);
}

fn pixels_are_the_same_with_it(device: &Device) {
    let metadata = Metadata::new().with_icc_profile(p3()).with_exif(exif(1));
    for format in formats() {
        let load = |metadata| {
            let file = encode(device, format, metadata);
            let image = raw().decode(device, &file).unwrap();
            (
                image.width(),
                image.height(),
                bits(&image.download().unwrap()),
            )
        };
        let (with, without) = (load(metadata.clone()), load(Metadata::new()));
        assert_eq!((with.0, with.1), (without.0, without.1));
        same(&with.2, &without.2, format);
    }
}

#[track_caller]
fn assert_refused(result: Result<Vec<u8>, Error>, reason: &str) {
    let error = result.unwrap_err();
    let about =
        matches!(*error.kind(), ErrorKind::InvalidOption { option, .. } if option == "metadata");
    assert!(about, "{error}");
    assert!(error.to_string().contains(reason), "{error}");
}

fn what_is_no_metadata_is_refused(device: &Device) {
    let image = picture(device);
    let gray = profile(&ColorProfile::new_gray_with_gamma(2.2));
    let exif = exif(1);
    let cases = [
        (
            Metadata::new().with_exif(b"garbage, not EXIF"),
            "no TIFF structure",
        ),
        (Metadata::new().with_exif(b""), "no TIFF structure"),
        (
            Metadata::new().with_exif(b"II+\0\x08\0\0\0\0\0\0\0\0\0\0\0"),
            "no TIFF structure",
        ),
        (Metadata::new().with_exif(&exif[..40]), "no TIFF structure"),
        (Metadata::new().with_icc_profile([7; 400]), "ICC profile"),
        (
            Metadata::new().with_icc_profile(&p3()[..100]),
            "ICC profile",
        ),
        (Metadata::new().with_icc_profile(gray), "not for RGB"),
    ];
    for (metadata, reason) in cases {
        for format in formats() {
            let options = SaveOptions::new().metadata(metadata.clone());
            assert_refused(options.encode_u8(&image, format), reason);
        }
    }
    let options = SaveOptions::new().metadata(Metadata::new().with_exif(&exif));
    for &format in Format::ALL.iter().filter(|format| format.can_save()) {
        if !formats().any(|with| with == format) {
            assert_refused(options.encode_u8(&image, format), "only of ");
        }
    }
    assert!(options.animation(Format::Gif).is_err());
}

fn a_jpeg_takes_the_most_it_can_hold(device: &Device) {
    let image = picture(device);
    let mut longest = exif(1);
    longest.resize(65_527, 0);
    let mut profile = p3();
    profile.resize(255 * 65_519, 0);
    let with = |exif: &[u8], icc: &[u8]| {
        let metadata = Metadata::new().with_exif(exif).with_icc_profile(icc);
        let options = SaveOptions::new().metadata(metadata);
        options.encode_u8(&image, Format::Jpeg)
    };
    let info = inspect_bytes(&with(&longest, &profile).unwrap()).unwrap();
    assert_eq!(info.exif(), Some(&longest[..]));
    assert!(info.icc_profile() == Some(&profile[..]));
    longest.push(0);
    assert_refused(with(&longest, &p3()), "65527");
    profile.push(0);
    assert_refused(with(&exif(1), &profile), "16707345");
}

fn animations_have_it_once(device: &Device) {
    let metadata = Metadata::new().with_icc_profile(p3()).with_exif(exif(1));
    let image = picture(device).to_f32().unwrap();
    let file = |metadata| {
        let options = SaveOptions::new().metadata(metadata);
        let mut animation = options.animation(Format::WebP).unwrap();
        for _ in 0..3 {
            animation.push(&image, Duration::from_millis(40)).unwrap();
        }
        animation.finish().unwrap()
    };
    let (with, without) = (file(metadata.clone()), file(Metadata::new()));
    let added = p3().len().next_multiple_of(2) + exif(1).len().next_multiple_of(2) + 16;
    assert_eq!(with.len(), without.len() + added);
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(&with)).unwrap();
    assert!(decoder.is_animated());
    assert_eq!(decoder.icc_profile().unwrap(), Some(p3()));
    assert_eq!(decoder.exif_metadata().unwrap(), Some(exif(1)));
    let info = inspect_bytes(&with).unwrap();
    assert_eq!((info.frame_count(), info.exif()), (3, metadata.exif()));
    let pixels = |file: &[u8]| raw().decode_u8(device, file).unwrap().download().unwrap();
    same(&pixels(&with), &pixels(&without), "pixels");
}
