//! What is still true of the pixels once they are loaded.

use super::{LONG, encode, exif, formats, p3, profile, raw};
use crate::support::{bits, same};
use imagecuda::{
    Device, Format, LoadOptions, Metadata, Orientation, SaveOptions, inspect, inspect_bytes,
};
use libtest_mimic::Trial;
use moxcms::ColorProfile;
use std::io::Cursor;
use tiff::tags::Tag;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        exif_says_what_is_left_to_turn,
        heif_turns_by_its_own_word_alone,
        a_tiffs_own_tags_are_its_exif,
        profiles_go_where_they_hold,
        hostile_exif_harms_nobody,
        hostile_boxes_harm_nobody,
        real_files_are_read,
    ])
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

fn exif_says_what_is_left_to_turn(device: &Device) {
    let lossless = [Format::Png, Format::Tiff, Format::WebP];
    for format in formats() {
        for number in 1..=8 {
            let source = encode(device, format, Metadata::new().with_exif(exif(number)));
            let upright = LoadOptions::new().open_bytes(device, &source).unwrap();
            let says = upright.metadata().exif().and_then(orientation_of);
            assert_eq!(says, Some(1), "{format} {number}");
            let upright_metadata = upright.metadata().clone();
            let upright = upright.into_image().unwrap();

            let stored = LoadOptions::new().apply_orientation(false);
            let stored = stored.open_bytes(device, &source).unwrap();
            let says = stored.metadata().exif().and_then(orientation_of);
            assert_eq!(says, Some(number.into()), "{format} {number}");
            assert_eq!(
                (stored.width(), stored.height()),
                (31, 19),
                "{format} {number}"
            );
            let stored_metadata = stored.metadata().clone();
            let stored = stored.into_image().unwrap();

            // Both copies look as the source does. The pixels of HEIF lie between the steps of 8 bits.
            let rounded = upright.to_u8().unwrap().to_f32().unwrap();
            let expected = bits(&rounded.download().unwrap());
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
            let info = inspect_bytes(&file).unwrap();
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

            let as_stored = LoadOptions::new().apply_orientation(false);
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
                inspect_bytes(&contradicted).unwrap().orientation(),
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
    let info = inspect_bytes(&described).unwrap();
    let exif = info.exif().unwrap();
    let has = |text: &[u8]| exif.windows(text.len()).any(|w| w == text);
    assert!(has(b"somebody of note\0") && has(b"N\0") && exif.len() < 120);
    let jpeg = encode(device, Format::Jpeg, Metadata::new().with_exif(exif));
    let mut decoder = jpeg_decoder::Decoder::new(Cursor::new(&jpeg));
    decoder.decode().unwrap();
    assert_eq!(decoder.exif_data(), Some(exif));
    assert_eq!(inspect_bytes(&jpeg).unwrap().orientation() as u32, 8);

    let plain = file(8, false);
    assert_eq!(inspect_bytes(&plain).unwrap().exif(), None);
    let decoded = |apply| {
        LoadOptions::new()
            .apply_orientation(apply)
            .open_bytes(device, &plain)
    };
    assert!(decoded(true).unwrap().metadata().is_empty());
    let says = decoded(false).unwrap();
    assert_eq!(says.metadata().exif().and_then(orientation_of), Some(8));
}

fn profiles_go_where_they_hold(device: &Device) {
    let srgb = profile(&ColorProfile::new_srgb());
    let carried = |file: &[u8], options: LoadOptions| {
        let decoded = options.open_bytes(device, file).unwrap();
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
    let gray = profile(&ColorProfile::new_gray_with_gamma(2.2));
    let mut file = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut file);
    image::ImageEncoder::set_icc_profile(&mut encoder, gray).unwrap();
    image::ImageEncoder::write_image(encoder, &[1; 6], 3, 2, image::ExtendedColorType::L8).unwrap();
    assert_eq!(carried(&file, raw()), None);
    assert_eq!(carried(&file, LoadOptions::new()), None);
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
            let options = LoadOptions::new().apply_orientation(apply);
            let decoded = options.open_bytes(device, &file).unwrap();
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
            let _ = inspect_bytes(&damaged);
        }
    }
}

fn hostile_boxes_harm_nobody(device: &Device) {
    let metadata = Metadata::new().with_exif(exif(7)).with_icc_profile(p3());
    for format in formats().filter(|format| matches!(format, Format::Heif | Format::Avif)) {
        let file = encode(device, format, metadata.clone());
        for cut in (0..file.len()).step_by(5) {
            let _ = inspect_bytes(&file[..cut]);
        }
        // All but the profile and the pixels.
        let boxes = file.windows(4).position(|w| w == b"mdat").unwrap();
        let start = file.windows(4).position(|w| w == b"prof").unwrap();
        let icc = start..start + p3().len();
        for at in (0..boxes + 8).filter(|at| !icc.contains(at)) {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = file.clone();
                damaged[at] = value;
                let _ = inspect_bytes(&damaged);
            }
        }
    }
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
        let info = inspect(&path).unwrap();
        assert_eq!(info.orientation() as u32, orientation, "{name}");
        let decoded = LoadOptions::new().open(device, &path).unwrap();
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
