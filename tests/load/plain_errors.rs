//! What errors say, and whose fault they are.

use crate::support::pictures::{folder, picture};
use imagecuda::{Device, ErrorKind, Format, Image, ImageU8, LoadOptions, SaveOptions};
use libtest_mimic::Trial;
use std::{fs, time::Duration};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        an_unknown_extension_is_named,
        a_chunk_is_named_without_its_structure,
        a_name_of_another_format_is_an_error,
        a_bmp_that_is_too_large_exceeds_the_limit,
        an_exr_without_rgb_is_not_supported,
        faults_of_the_input_are_told_from_others,
    ])
}

fn an_unknown_extension_is_named(device: &Device) {
    let folder = folder();
    let image = Image::new(device, 4, 4).unwrap();
    let error = image.save(folder.path().join("x.jxl")).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("'jxl'"), "{text}");
    for format in Format::ALL {
        let extension = format!(" {}", format.extensions()[0]);
        assert_eq!(text.contains(&extension), format.can_save(), "{text}");
    }
    let error = image.save(folder.path().join("x")).unwrap_err();
    assert!(error.to_string().contains("no extension"), "{error}");
}

fn a_chunk_is_named_without_its_structure(device: &Device) {
    let image = picture(device, 20, 10);
    let mut file = imagecuda::encode_u8(&image, Format::Png).unwrap();
    file[29] ^= 0x55; // the checksum of the header
    let error = LoadOptions::new().decode(device, &file).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("IHDR") && !text.contains('{'), "{text}");
}

fn a_name_of_another_format_is_an_error(device: &Device) {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let image = Image::new(device, 8, 8).unwrap();
    let animated = |options: SaveOptions| {
        let mut animation = options.animation(Format::WebP).unwrap();
        animation.push(&image, Duration::from_millis(40)).unwrap();
        animation
    };
    let plain = SaveOptions::new();
    let errors = [
        animated(plain.clone()).save(path("a.gif")).unwrap_err(),
        plain
            .pack(&image, "a.png")
            .unwrap()
            .save(path("a.bmp"))
            .unwrap_err(),
    ];
    for error in errors {
        let kind = error.kind();
        let typed = matches!(
            kind,
            ErrorKind::InvalidOption {
                option: "format",
                ..
            }
        );
        assert!(typed, "{error}");
        assert!(!error.path().unwrap().exists());
    }
    // A name that says nothing, and a format that is chosen.
    animated(plain).save(path("a.tmp")).unwrap();
    let chosen = SaveOptions::new().format(Format::WebP);
    animated(chosen).save(path("b.gif")).unwrap();
    for name in ["a.tmp", "b.gif"] {
        let info = imagecuda::inspect(path(name)).unwrap();
        assert_eq!(info.format(), Format::WebP);
    }
}

fn a_bmp_that_is_too_large_exceeds_the_limit(device: &Device) {
    let image = picture(device, 20, 10);
    let small = imagecuda::encode_u8(&image, Format::Bmp).unwrap();
    for height in [2_000_000_i32, -2_000_000] {
        let mut file = small.clone();
        file[18..22].copy_from_slice(&3_000_000_i32.to_le_bytes());
        file[22..26].copy_from_slice(&height.to_le_bytes());
        let error = LoadOptions::new().decode(device, &file).unwrap_err();
        let kind = error.kind();
        let typed = matches!(
            kind,
            ErrorKind::LimitExceeded {
                what: "pixels",
                requested: 6_000_000_000_000,
                ..
            }
        );
        assert!(typed, "{error}");
    }
}

/// An OpenEXR file whose one channel is luminance.
fn an_exr_without_rgb_is_not_supported(device: &Device) {
    let image = picture(device, 2, 1);
    let file = imagecuda::encode_u8(&image, Format::Exr).unwrap();
    // The names of the channels: the encoder writes them in the order of the alphabet.
    let at = file
        .windows(7)
        .position(|name| name == b"chlist\0")
        .unwrap()
        + 11;
    let mut luminance = file.clone();
    for name in *b"ABGR" {
        let place = at + file[at..].iter().position(|&byte| byte == name).unwrap();
        luminance[place] = b'W' + (name - b'A') % 5;
    }
    let error = LoadOptions::new().decode(device, &luminance).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error}");
    assert!(error.kind().is_input_fault());
    assert_eq!(error.format(), Some(Format::Exr));
}

fn faults_of_the_input_are_told_from_others(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.png");
    let image = ImageU8::new(device, 40, 30).unwrap();
    image.save(&path).unwrap();
    let file = fs::read(&path).unwrap();
    let options = LoadOptions::new();
    let faults = [
        options.decode(device, &file[..file.len() / 2]).map(drop),
        options.decode(device, b"words").map(drop),
        options
            .clone()
            .max_pixels(9)
            .decode(device, &file)
            .map(drop),
        options.clone().max_pixels(9).inspect_bytes(&file).map(drop),
        options.clone().max_bytes(9).inspect(&path).map(drop),
    ];
    for result in faults {
        let error = result.unwrap_err();
        assert!(error.kind().is_input_fault(), "{error}");
    }
    let mut small = Image::new(device, 4, 4).unwrap();
    let others = [
        options
            .load(device, folder.path().join("missing"))
            .map(drop),
        options.decode_into(&file, &mut small),
        image.save(folder.path().join("missing/a.png")),
        SaveOptions::new().effort(9).save_u8(&image, "a.webp"),
    ];
    for result in others {
        let error = result.unwrap_err();
        assert!(!error.kind().is_input_fault(), "{error}");
    }
}
