//! Names that Windows takes, refuses or changes.

use super::{count, encoded, image, io_error};
use crate::support::pictures::folder;
use imagecuda::{Device, ErrorKind, Format, LoadOptions, SaveOptions};
use libtest_mimic::Trial;
use std::{ffi::OsString, fs, io, os::windows::ffi::OsStringExt, path};

pub(super) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        names_may_be_of_any_script,
        names_may_be_no_unicode,
        names_of_devices_are_errors,
        characters_that_no_name_has_are_errors,
        dots_and_spaces_at_the_end_are_none_of_the_name,
    ])
}

fn names_may_be_of_any_script(device: &Device) {
    let folder = folder();
    let names = [
        "gr\u{fc}\u{df}e \u{3b1}\u{3b2} \u{5199}\u{771f}.bmp",
        "\u{1f5bc}\u{fe0f}.bmp",
        "a b  c.bmp",
        ".hidden.bmp",
        "a.b.c.bmp",
        "\u{645}\u{631}\u{62d}\u{628}\u{627}.BMP",
    ];
    let image = image(device, 40);
    for name in names {
        let path = folder.path().join(name);
        for _ in 0..2 {
            imagecuda::save(&image, &path).unwrap();
        }
        assert!(fs::read(&path).unwrap() == encoded(&image), "{name}");
        let loaded = LoadOptions::new().load(device, &path).unwrap();
        assert!(encoded(&loaded) == encoded(&image), "{name}");
    }
    assert_eq!(count(folder.path()), names.len());
}

/// Windows takes any 16-bit numbers. Wine, whose files are Linux's, does not.
fn names_may_be_no_unicode(device: &Device) {
    let folder = folder();
    let lone = OsString::from_wide(&[0x61, 0xd83d, 0x62, 0x2e, 0x62, 0x6d, 0x70]);
    assert!(lone.to_str().is_none());
    let path = folder.path().join(&lone);
    let image = image(device, 40);
    if fs::write(&path, "old").is_ok() {
        for _ in 0..2 {
            imagecuda::save(&image, &path).unwrap();
        }
        let names = fs::read_dir(folder.path()).unwrap();
        let names: Vec<OsString> = names.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [lone]);
        let loaded = LoadOptions::new().load(device, &path).unwrap();
        assert!(encoded(&loaded) == encoded(&image));
    } else {
        for error in [
            imagecuda::save(&image, &path).unwrap_err(),
            LoadOptions::new().load(device, &path).unwrap_err(),
        ] {
            assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
            assert_eq!(error.path(), Some(&*path));
        }
        assert_eq!(count(folder.path()), 0);
    }
}

fn names_of_devices_are_errors(device: &Device) {
    let folder = folder();
    let image = image(device, 40);
    for name in [
        "nul.bmp",
        "CON.bmp",
        "aux.BMP",
        "com1.bmp",
        "LPT9.x.bmp",
        "prn .bmp",
    ] {
        let path = folder.path().join(name);
        // Releases of Windows differ in the names that they take for devices.
        let whole = path::absolute(&path).unwrap();
        let is_device = whole.to_str().unwrap().starts_with(r"\\.\");
        let saved = imagecuda::save(&image, &path);
        if !is_device {
            saved.unwrap();
            fs::remove_file(&path).unwrap();
            continue;
        }
        let kind = io::ErrorKind::InvalidFilename;
        io_error(
            &saved.unwrap_err(),
            &path,
            kind,
            "Windows takes this name for the device",
        );
        let error = LoadOptions::new().load(device, &path).unwrap_err();
        io_error(
            &error,
            &path,
            kind,
            "Windows takes this name for the device",
        );
        let error = imagecuda::inspect(&path).unwrap_err();
        io_error(
            &error,
            &path,
            kind,
            "Windows takes this name for the device",
        );
        // A file of that name exists where Windows is told to look no further.
        let path = folder.path().canonicalize().unwrap().join(name);
        imagecuda::save(&image, &path).unwrap();
        assert!(fs::read(&path).unwrap() == encoded(&image), "{name}");
        fs::remove_file(&path).unwrap();
    }
    // Names that only look like them.
    for name in [
        "null.bmp",
        "com.bmp",
        "com10.bmp",
        "console.bmp",
        "a.nul.bmp",
    ] {
        imagecuda::save(&image, folder.path().join(name)).unwrap();
    }
    assert_eq!(count(folder.path()), 5);
}

fn characters_that_no_name_has_are_errors(device: &Device) {
    let folder = folder();
    let image = image(device, 40);
    for name in [
        "a<.bmp", "a>.bmp", "a|.bmp", "a\".bmp", "a?.bmp", "a*.bmp", "?*/a.bmp",
    ] {
        let path = folder.path().join(name);
        for error in [
            imagecuda::save(&image, &path).unwrap_err(),
            LoadOptions::new().load(device, &path).unwrap_err(),
        ] {
            io_error(&error, &path, io::ErrorKind::InvalidFilename, "");
        }
        assert_eq!(count(folder.path()), 0, "{name}");
    }
}

/// Windows leaves them out of a name, unless the path begins with `\\?\`.
fn dots_and_spaces_at_the_end_are_none_of_the_name(device: &Device) {
    let folder = folder();
    let (old, image) = (image(device, 40), image(device, 20));
    let options = SaveOptions::new().format(Format::Bmp);
    for name in ["a.bmp.", "a.bmp ", "a.bmp. . .", "A.BMP..."] {
        let path = folder.path().join(name);
        imagecuda::save(&old, folder.path().join("a.bmp")).unwrap();
        options.save(&image, &path).unwrap();
        let file = fs::read(folder.path().join("a.bmp")).unwrap();
        assert!(file == encoded(&image), "{name:?}");
        assert_eq!(count(folder.path()), 1, "{name:?}");
        let loaded = LoadOptions::new().load(device, &path).unwrap();
        assert!(encoded(&loaded) == encoded(&image), "{name:?}");
        // The format is that of the name as it is written.
        imagecuda::save(&old, &path).unwrap_err();
        assert!(fs::read(folder.path().join("a.bmp")).unwrap() == encoded(&image));
    }
    let whole = folder.path().canonicalize().unwrap();
    for name in ["a.bmp.", "a.bmp "] {
        options.save(&old, whole.join(name)).unwrap();
        assert!(fs::read(whole.join(name)).unwrap() == encoded(&old));
        fs::remove_file(whole.join(name)).unwrap();
    }
    assert!(fs::read(folder.path().join("a.bmp")).unwrap() == encoded(&image));
}
