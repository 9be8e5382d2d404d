//! What goes with the pixels: read, carried, written, and seen by other decoders.

use crate::support::{
    Noise,
    animations::{RGBA8, gif_file, parts, png_file, webp_file},
    bits, same,
};
use image::ImageDecoder;
use imagecuda::{
    ColorPolicy, Device, Error, ErrorKind, Format, ImageInfo, ImageU8, Layout, LoadOptions,
    Metadata, Orientation, SaveOptions,
};
use libtest_mimic::Trial;
use moxcms::ColorProfile;
use std::{io::Cursor, time::Duration};
use tiff::{decoder::Decoder as Tiff, tags::Tag};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        every_format_keeps_what_it_is_given,
        other_decoders_see_it,
        pixels_are_the_same_with_it,
        exif_says_what_is_left_to_turn,
        heif_turns_by_its_own_word_alone,
        a_tiffs_own_tags_are_its_exif,
        profiles_go_where_they_hold,
        what_is_no_metadata_is_refused,
        a_jpeg_takes_the_most_it_can_hold,
        animations_have_it_once,
        hostile_exif_harms_nobody,
        frames_are_counted,
        real_files_are_read,
    ])
}

/// Those that have it and this build can write.
fn formats() -> impl Iterator<Item = Format> {
    use Format::*;
    let all = [Jpeg, Png, WebP, Tiff, Heif, Avif];
    all.into_iter().filter(|format| format.can_save())
}

fn p3() -> Vec<u8> {
    ColorProfile::new_display_p3().encode().unwrap()
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

/// The orientation that EXIF says, by looking for the tag and its type.
fn orientation_of(exif: &[u8]) -> Option<u16> {
    let tags = [[18, 1, 3, 0], [1, 18, 0, 3]];
    let at = exif
        .windows(4)
        .position(|w| tags.contains(&[w[0], w[1], w[2], w[3]]))?;
    let value = [exif[at + 8], exif[at + 9]];
    Some(match &exif[..2] {
        b"II" => u16::from_le_bytes(value),
        _ => u16::from_be_bytes(value),
    })
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
    LoadOptions::new().color(ColorPolicy::Raw)
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
            let info = ImageInfo::of(&file).unwrap();
            assert_eq!(info.icc_profile(), metadata.icc_profile(), "{format}");
            let decoded = raw().read_bytes(device, &file).unwrap();
            if format == Format::Tiff {
                // Put together anew, so another order of the same.
                assert_eq!(
                    info.exif().map(<[u8]>::len),
                    metadata.exif().map(<[u8]>::len)
                );
                // From there on nothing moves.
                let again = encode(device, format, decoded.metadata().clone());
                assert_eq!(ImageInfo::of(&again).unwrap().exif(), info.exif());
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

fn exif_says_what_is_left_to_turn(device: &Device) {
    let lossless = [Format::Png, Format::Tiff, Format::WebP];
    for format in formats() {
        for number in 1..=8 {
            let source = encode(device, format, Metadata::new().with_exif(exif(number)));
            let upright = LoadOptions::new().read_bytes(device, &source).unwrap();
            let says = upright.metadata().exif().and_then(orientation_of);
            assert_eq!(says, Some(1), "{format} {number}");
            let upright_metadata = upright.metadata().clone();
            let upright = upright.into_image().unwrap();

            let stored = LoadOptions::new().orientation(false);
            let stored = stored.read_bytes(device, &source).unwrap();
            let says = stored.metadata().exif().and_then(orientation_of);
            assert_eq!(says, Some(number.into()), "{format} {number}");
            assert_eq!(
                (stored.width(), stored.height()),
                (31, 19),
                "{format} {number}"
            );
            let stored_metadata = stored.metadata().clone();
            let stored = stored.into_image().unwrap();

            // Both copies look as the source does.
            let expected = bits(&upright.download().unwrap());
            for (image, metadata) in [(&upright, upright_metadata), (&stored, stored_metadata)] {
                let options = SaveOptions::new().metadata(metadata);
                for to in lossless {
                    let copy = options.encode(image, to).unwrap();
                    let copy = LoadOptions::new().decode(device, &copy).unwrap();
                    assert_eq!(copy.width(), upright.width());
                    let pixels = bits(&copy.download().unwrap());
                    same(&pixels, &expected, (format, to, number));
                }
            }
        }
    }
}

fn heif_turns_by_its_own_word_alone(device: &Device) {
    for format in formats().filter(|format| matches!(format, Format::Heif | Format::Avif)) {
        let plain = encode(device, format, Metadata::new());
        let plain = LoadOptions::new().decode_u8(device, &plain).unwrap();
        let pixels = plain.download().unwrap();
        for orientation in Orientation::ALL {
            let metadata = Metadata::new().with_exif(exif(orientation as u8));
            let file = encode(device, format, metadata);
            let info = ImageInfo::of(&file).unwrap();
            assert_eq!(info.orientation(), orientation);
            let (width, height) = orientation.size(31, 19);
            assert_eq!((info.width(), info.height()), (width, height));

            let turned = LoadOptions::new().decode_u8(device, &file).unwrap();
            assert_eq!((turned.width(), turned.height()), (width, height));
            let source = |i: usize| {
                let (w, h) = (width as usize, height as usize);
                let from = orientation.source(i % w, i / w, w, h) * 4;
                &pixels[from..from + 4]
            };
            let expected: Vec<u8> = (0..31 * 19).flat_map(source).copied().collect();
            same(
                &turned.download().unwrap(),
                &expected,
                (format, orientation),
            );

            let as_stored = LoadOptions::new().orientation(false);
            let stored = as_stored.decode_u8(device, &file).unwrap();
            assert_eq!((stored.width(), stored.height()), (31, 19));
            same(&stored.download().unwrap(), &pixels, (format, orientation));

            // EXIF that contradicts is not heeded.
            let tag = [18, 1, 3, 0, 1, 0, 0, 0];
            let at = file.windows(8).position(|w| w == tag).unwrap() + 8;
            let mut contradicted = file.clone();
            contradicted[at] = 5;
            let image = LoadOptions::new().decode_u8(device, &contradicted).unwrap();
            same(&image.download().unwrap(), &expected, (format, orientation));
            assert_eq!(
                ImageInfo::of(&contradicted).unwrap().orientation(),
                orientation
            );
        }
    }
}

/// A TIFF that another encoder wrote, with tags of its own.
fn a_tiffs_own_tags_are_its_exif(device: &Device) {
    use tiff::encoder::{TiffEncoder, colortype::RGB8};
    let file = |orientation: u16, describe: bool| {
        let mut file = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut file).unwrap();
        let mut gps = encoder.extra_directory().unwrap();
        gps.write_tag(Tag::Unknown(1), "N").unwrap();
        let gps = gps.finish_with_offsets().unwrap();
        let mut image = encoder.new_image::<RGB8>(3, 2).unwrap();
        let tags = image.encoder();
        tags.write_tag(Tag::Orientation, orientation).unwrap();
        if describe {
            tags.write_tag(Tag::Artist, "somebody of note").unwrap();
            tags.write_tag(Tag::GpsDirectory, gps.offset).unwrap();
        }
        image.write_data(&[7; 18]).unwrap();
        file.into_inner()
    };
    let described = file(8, true);
    let info = ImageInfo::of(&described).unwrap();
    let exif = info.exif().unwrap();
    let has = |text: &[u8]| exif.windows(text.len()).any(|w| w == text);
    assert!(has(b"somebody of note\0") && has(b"N\0") && exif.len() < 120);
    let jpeg = encode(device, Format::Jpeg, Metadata::new().with_exif(exif));
    let mut decoder = jpeg_decoder::Decoder::new(Cursor::new(&jpeg));
    decoder.decode().unwrap();
    assert_eq!(decoder.exif_data(), Some(exif));
    assert_eq!(ImageInfo::of(&jpeg).unwrap().orientation() as u32, 8);

    let plain = file(8, false);
    assert_eq!(ImageInfo::of(&plain).unwrap().exif(), None);
    let decoded = |apply| {
        LoadOptions::new()
            .orientation(apply)
            .read_bytes(device, &plain)
    };
    assert!(decoded(true).unwrap().metadata().is_empty());
    let says = decoded(false).unwrap();
    assert_eq!(says.metadata().exif().and_then(orientation_of), Some(8));
}

fn profiles_go_where_they_hold(device: &Device) {
    let srgb = ColorProfile::new_srgb().encode().unwrap();
    let carried = |file: &[u8], options: LoadOptions| {
        let decoded = options.read_bytes(device, file).unwrap();
        decoded.metadata().icc_profile().map(<[u8]>::to_vec)
    };
    for format in formats() {
        let with = |icc: &[u8]| encode(device, format, Metadata::new().with_icc_profile(icc));
        assert_eq!(carried(&with(&p3()), LoadOptions::new()), None, "{format}");
        assert_eq!(carried(&with(&p3()), raw()), Some(p3()), "{format}");
        for options in [raw(), LoadOptions::new()] {
            assert_eq!(
                carried(&with(&srgb), options).as_ref(),
                Some(&srgb),
                "{format}"
            );
        }
    }
    // Gray pixels, whose profile is not one for the RGB that is saved.
    let gray = ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
    let mut file = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut file);
    image::ImageEncoder::set_icc_profile(&mut encoder, gray).unwrap();
    image::ImageEncoder::write_image(encoder, &[1; 6], 3, 2, image::ExtendedColorType::L8).unwrap();
    assert_eq!(carried(&file, raw()), None);
    assert_eq!(carried(&file, LoadOptions::new()), None);
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
    let gray = ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
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
    let info = ImageInfo::of(&with(&longest, &profile).unwrap()).unwrap();
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
    let info = ImageInfo::of(&with).unwrap();
    assert_eq!((info.frames(), info.exif()), (3, metadata.exif()));
    let pixels = |file: &[u8]| raw().decode_u8(device, file).unwrap().download().unwrap();
    same(&pixels(&with), &pixels(&without), "pixels");
}

fn hostile_exif_harms_nobody(device: &Device) {
    let whole = exif(6);
    let plain = encode(device, Format::Jpeg, Metadata::new());
    let jpeg = |exif: &[u8]| {
        let data = [b"Exif\0\0", exif].concat();
        let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
        [&plain[..2], b"\xff\xe1", &length, &data, &plain[2..]].concat()
    };
    let check = |exif: &[u8]| {
        let file = jpeg(exif);
        for apply in [true, false] {
            let options = LoadOptions::new().orientation(apply);
            let decoded = options.read_bytes(device, &file).unwrap();
            // What is carried on is never refused.
            let metadata = decoded.metadata().clone();
            encode(device, Format::Tiff, metadata.clone());
            encode(device, Format::Png, metadata);
        }
    };
    for cut in 0..whole.len() {
        check(&whole[..cut]);
    }
    // Every directory leads to every place, its own among them.
    let pointer = |tag: u16| {
        let entry = [tag.to_le_bytes(), LONG.to_le_bytes()].concat();
        whole.windows(4).position(|w| w == entry).unwrap() + 8
    };
    for at in [34665, 34853, 40965].map(pointer).into_iter().chain([4]) {
        for to in (0..whole.len() as u32 + 4).step_by(2).chain([u32::MAX]) {
            let mut damaged = whole.clone();
            damaged[at..at + 4].copy_from_slice(&to.to_le_bytes());
            check(&damaged);
        }
    }
    // The same in a TIFF, whose structure it is.
    let file = encode(device, Format::Tiff, Metadata::new().with_exif(&whole));
    for at in (0..8).chain(file.len() - 500..file.len()) {
        for value in [0, 1, 0x7f, 0xff] {
            let mut damaged = file.clone();
            damaged[at] = value;
            let _ = ImageInfo::of(&damaged);
        }
    }
}

fn frames_are_counted(device: &Device) {
    let size = [13, 9];
    let parts = parts(3, size, 6, &[0, 255]);
    let gif = gif_file(size, &parts, None);
    let pages = {
        let mut file = Cursor::new(Vec::new());
        let mut encoder = tiff::encoder::TiffEncoder::new(&mut file).unwrap();
        for side in 1..=4 {
            let pixels = vec![9; (side * side) as usize];
            encoder
                .write_image::<tiff::encoder::colortype::Gray8>(side, side, &pixels)
                .unwrap();
        }
        file.into_inner()
    };
    let cut = gif[..gif.len() - 20].to_vec();
    let files = [
        (gif.clone(), 6),
        (png_file(size, &parts, RGBA8), 6),
        (webp_file(size, &parts, 0), 6),
        (pages.clone(), 4),
        (gif_file(size, &parts[..1], None), 1),
        (gif[..gif.len() - 1].to_vec(), 6), // no end
        (cut, 6),
    ];
    for (file, count) in files {
        let info = ImageInfo::of(&file).unwrap();
        assert_eq!(info.frames(), count, "{}", info.format());
        let frames = LoadOptions::new().decode_frames(device, file).unwrap();
        assert_eq!(frames.count_hint(), Some(count));
        let upper = frames.size_hint().1.unwrap();
        let format = frames.format();
        let found = frames.count();
        assert!(
            found >= count as usize && found <= upper,
            "{format}: {found}"
        );
    }
    for &format in Format::ALL.iter().filter(|format| format.can_save()) {
        let file = SaveOptions::new()
            .encode_u8(&picture(device), format)
            .unwrap();
        if format != Format::Tga {
            assert_eq!(ImageInfo::of(&file).unwrap().frames(), 1, "{format}");
        }
    }
    // Pages that lead round in a circle: the last points to the first.
    let first: [u8; 4] = pages[4..8].try_into().unwrap();
    let mut endless = pages;
    let end = endless.len();
    endless[end - 4..].copy_from_slice(&first);
    assert_eq!(ImageInfo::of(&endless).unwrap().frames(), 4);
}

/// What others know of files that they made, where they are there.
fn real_files_are_read(device: &Device) {
    let Some(corpus) = crate::support::corpus() else {
        return;
    };
    let files = [
        // Name, orientation, bytes of EXIF's maker's name.
        ("avif/Pillow__rot3mir0.avif", 7, None),
        ("avif/libavif__paris_icc_exif_xmp.avif", 1, Some(true)),
    ];
    for (name, orientation, has_both) in files {
        let path = corpus.join(name);
        if !Format::Avif.can_load() || !path.is_file() {
            continue;
        }
        let info = ImageInfo::read(&path).unwrap();
        assert_eq!(info.orientation() as u32, orientation, "{name}");
        let decoded = LoadOptions::new().read(device, &path).unwrap();
        assert_eq!(
            (decoded.width(), decoded.height()),
            (info.width(), info.height())
        );
        if has_both.is_some() {
            assert!(
                info.icc_profile().is_some() && info.exif().is_some(),
                "{name}"
            );
        }
    }
}
