//! Which files load, which do not, and what they say then.

use crate::support::{
    crc32,
    pictures::{LOSSLESS_RGBA, folder, opaque, picture},
    same,
};
use imagecuda::{Device, Error, ErrorKind, Format, LoadOptions, SaveOptions};
use libtest_mimic::Trial;
use std::{
    error::Error as _,
    fs::{self, File},
    path::Path,
};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        format_is_found_by_content,
        tga_is_found_by_name_alone,
        a_format_can_be_forced,
        missing_empty_and_unknown_files_are_errors,
        truncated_files_are_errors,
        limits_hold_before_anything_is_allocated,
        errors_name_file_format_and_cause,
    ])
}

/// The other formats that every build of the tests saves.
const OTHERS: [Format; 5] = [
    Format::Jpeg,
    Format::Gif,
    Format::Pnm,
    Format::Exr,
    Format::Hdr,
];

fn format_is_found_by_content(device: &Device) {
    let folder = folder();
    let picture = picture(device, 20, 10);
    for format in LOSSLESS_RGBA.into_iter().filter(|f| *f != Format::Tga) {
        let path = folder.path().join("misnamed.jpg");
        SaveOptions::new()
            .format(format)
            .save_u8(&picture, &path)
            .unwrap();
        let decoded = LoadOptions::new().open(device, &path).unwrap();
        assert_eq!(decoded.format(), format);
        let back = decoded.into_image_u8().unwrap();
        same(
            &back.download().unwrap(),
            &picture.download().unwrap(),
            format,
        );
    }
}

fn tga_is_found_by_name_alone(device: &Device) {
    let folder = folder();
    let picture = picture(device, 20, 10);
    let path = folder.path().join("a.TGA");
    SaveOptions::new().save_u8(&picture, &path).unwrap();
    let back = LoadOptions::new().load_u8(device, &path).unwrap();
    same(
        &back.download().unwrap(),
        &picture.download().unwrap(),
        "TGA",
    );
    let other = folder.path().join("a.dat");
    fs::copy(&path, &other).unwrap();
    let error = LoadOptions::new().load_u8(device, &other).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::UnknownFormat(_)),
        "{error}"
    );
}

fn a_format_can_be_forced(device: &Device) {
    let picture = picture(device, 20, 10);
    let file = SaveOptions::new().encode_u8(&picture, Format::Tga).unwrap();
    LoadOptions::new().decode(device, &file).unwrap_err();
    LoadOptions::new()
        .format(Format::Tga)
        .decode(device, &file)
        .unwrap();
    let error = LoadOptions::new()
        .format(Format::Png)
        .decode(device, &file)
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    assert_eq!(error.format(), Some(Format::Png));
}

fn load_error(device: &Device, path: &Path) -> Error {
    let error = LoadOptions::new().load(device, path).unwrap_err();
    assert_eq!(error.path(), Some(path));
    assert!(
        error.to_string().starts_with(&path.display().to_string()),
        "{error}"
    );
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

fn missing_empty_and_unknown_files_are_errors(device: &Device) {
    let folder = folder();
    let error = load_error(device, &folder.path().join("missing.png"));
    let ErrorKind::Io(io) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(io.kind(), std::io::ErrorKind::NotFound);
    assert!(error.source().is_some());

    let error = load_error(device, folder.path());
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");

    let empty = folder.path().join("empty.png");
    File::create(&empty).unwrap();
    let error = load_error(device, &empty);
    assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    assert!(error.to_string().contains("empty"), "{error}");

    let text = folder.path().join("text.png");
    fs::write(&text, "no picture, just words").unwrap();
    let error = load_error(device, &text);
    assert!(
        matches!(error.kind(), ErrorKind::UnknownFormat(_)),
        "{error}"
    );
    LoadOptions::new().decode(device, b"").unwrap_err();
    LoadOptions::new().decode(device, b"\xff").unwrap_err();
}

fn truncated_files_are_errors(device: &Device) {
    let picture = opaque(&picture(device, 97, 61));
    for format in LOSSLESS_RGBA.into_iter().chain(OTHERS) {
        let file = SaveOptions::new().encode_u8(&picture, format).unwrap();
        let options = LoadOptions::new().format(format);
        options.decode(device, &file).unwrap();
        for percent in [5, 30, 60, 90] {
            let cut = &file[..file.len() * percent / 100];
            let error = match options.decode(device, cut) {
                Err(error) => error,
                Ok(_) => panic!("{format} of {percent} % was taken for whole"),
            };
            let kind = error.kind();
            assert!(
                matches!(kind, ErrorKind::Decode(_) | ErrorKind::Unsupported(_)),
                "{error}"
            );
            assert_eq!(error.format(), Some(format), "{error}");
        }
    }
}

fn limits_hold_before_anything_is_allocated(device: &Device) {
    let picture = opaque(&picture(device, 100, 50));
    for format in LOSSLESS_RGBA.into_iter().chain(OTHERS) {
        let file = SaveOptions::new().encode_u8(&picture, format).unwrap();
        let options = LoadOptions::new().format(format);
        options
            .clone()
            .max_pixels(5000)
            .decode(device, &file)
            .unwrap();
        let error = options.max_pixels(4999).decode(device, &file).unwrap_err();
        let ErrorKind::LimitExceeded {
            what,
            requested,
            limit,
        } = *error.kind()
        else {
            panic!("{format}: {error}");
        };
        assert_eq!((what, requested, limit), ("pixels", 5000, 4999));
    }
    let file = SaveOptions::new().encode_u8(&picture, Format::Png).unwrap();
    let error = LoadOptions::new()
        .max_bytes(19_999)
        .decode(device, &file)
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::LimitExceeded { what: "bytes", .. }),
        "{error}"
    );
    // A PNG that declares 2 gigapixels, and is whole until then.
    let mut bomb = file.clone();
    bomb[16..20].copy_from_slice(&50_000u32.to_be_bytes());
    bomb[20..24].copy_from_slice(&40_000u32.to_be_bytes());
    let crc = crc32(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&crc.to_be_bytes());
    let error = LoadOptions::new().decode(device, &bomb).unwrap_err();
    let ErrorKind::LimitExceeded { requested, .. } = *error.kind() else {
        panic!("{error}");
    };
    assert_eq!(requested, 2_000_000_000);
    let error = LoadOptions::new().max_bytes(100).decode(device, &file);
    let error = error.unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::LimitExceeded {
            what: "bytes",
            limit: 100,
            ..
        }
    ));
}

fn errors_name_file_format_and_cause(device: &Device) {
    let folder = folder();
    let path = folder.path().join("cut.png");
    let file = SaveOptions::new()
        .encode_u8(&picture(device, 40, 30), Format::Png)
        .unwrap();
    fs::write(&path, &file[..file.len() / 2]).unwrap();
    let error = load_error(device, &path);
    assert_eq!(error.format(), Some(Format::Png));
    assert!(error.source().is_some(), "{error}");
    assert!(
        error.to_string().contains("cut.png (PNG): cannot decode: "),
        "{error}"
    );
}
