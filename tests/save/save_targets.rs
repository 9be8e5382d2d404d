//! What is saved where: whole files or none, and typed errors that change nothing.

use crate::support::pictures::{LOSSLESS_RGBA, folder};
use imagecuda::{Device, ErrorKind, Format, Image, ImageU8, SaveOptions};
use libtest_mimic::Trial;
use std::fs;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        a_failed_save_leaves_the_old_file,
        read_only_targets_are_refused,
        saves_follow_links_and_keep_permissions,
        a_pipe_is_written_in_place,
        unknown_targets_are_errors,
        options_a_format_cannot_honour_are_errors,
        sizes_a_format_cannot_hold_are_errors,
    ])
}

fn a_failed_save_leaves_the_old_file(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.jpg");
    fs::write(&path, "what was there").unwrap();
    let wide = ImageU8::new(device, 65_536, 1).unwrap();
    SaveOptions::new().save_u8(&wide, &path).unwrap_err();
    let image = ImageU8::new(device, 4, 4).unwrap();
    SaveOptions::new()
        .quality(0)
        .save_u8(&image, &path)
        .unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"what was there");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is left behind"
    );
    SaveOptions::new().save_u8(&image, &path).unwrap();
    assert!(fs::read(&path).unwrap().starts_with(b"\xff\xd8"));
}

fn read_only_targets_are_refused(device: &Device) {
    let folder = folder();
    let image = Image::new(device, 4, 4).unwrap();
    let path = folder.path().join("a.png");
    fs::write(&path, "keep").unwrap();
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let error = imagecuda::save(&image, &path).unwrap_err();
    let ErrorKind::Io(io) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(io.kind(), std::io::ErrorKind::PermissionDenied);
    assert_eq!(fs::read(&path).unwrap(), b"keep");

    let directory = folder.path().join("folder.png");
    fs::create_dir(&directory).unwrap();
    let error = imagecuda::save(&image, &directory).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
}

#[cfg(unix)]
fn saves_follow_links_and_keep_permissions(device: &Device) {
    use std::{
        os::unix::fs::{PermissionsExt, symlink},
        path::Path,
    };
    let folder = folder();
    let image = Image::new(device, 4, 4).unwrap();
    let (target, link) = (
        folder.path().join("target.png"),
        folder.path().join("link.png"),
    );
    imagecuda::save(&image, &target).unwrap();
    // As any new file, not as a secret.
    let plain = folder.path().join("plain");
    fs::File::create(&plain).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&target), mode(&plain));
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&target, &link).unwrap();
    imagecuda::save(&Image::new(device, 9, 9).unwrap(), &link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        imagecuda::LoadOptions::new()
            .load(device, &target)
            .unwrap()
            .width(),
        9
    );
    assert_eq!(mode(&target), 0o640);
    // A link to what is not there yet is followed too.
    let (ahead, link) = (
        folder.path().join("ahead.png"),
        folder.path().join("to_ahead.png"),
    );
    symlink("ahead.png", &link).unwrap();
    imagecuda::save(&image, &link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(ahead.is_file());
    // A circle of links is an error, not a hang.
    let circle = folder.path().join("circle.png");
    symlink("circle.png", &circle).unwrap();
    let error = imagecuda::save(&image, &circle).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
}

#[cfg(not(unix))]
fn saves_follow_links_and_keep_permissions(_: &Device) {}

#[cfg(unix)]
fn a_pipe_is_written_in_place(device: &Device) {
    let folder = folder();
    let pipe = folder.path().join("pipe.png");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    let image = crate::support::pictures::picture(device, 40, 30);
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).unwrap()
    });
    SaveOptions::new().save_u8(&image, &pipe).unwrap();
    assert!(reader.join().unwrap() == SaveOptions::new().encode_u8(&image, Format::Png).unwrap());
}

#[cfg(not(unix))]
fn a_pipe_is_written_in_place(_: &Device) {}

fn unknown_targets_are_errors(device: &Device) {
    let folder = folder();
    let image = Image::new(device, 4, 4).unwrap();
    for name in ["a", "a.docx", "a.", ".png2"] {
        let path = folder.path().join(name);
        let error = imagecuda::save(&image, &path).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::UnknownFormat(_)),
            "{error}"
        );
        assert_eq!(error.path(), Some(&*path));
    }
    let error = imagecuda::save(&image, folder.path().join("a.pgm")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error}");
    let missing = folder.path().join("no/such/folder/a.png");
    let error = imagecuda::save(&image, &missing).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing is left behind"
    );
}

fn options_a_format_cannot_honour_are_errors(device: &Device) {
    let image = Image::new(device, 4, 4).unwrap();
    for quality in [0, 101, 255] {
        for format in [Format::Jpeg, Format::WebP] {
            let error = SaveOptions::new().quality(quality).encode(&image, format);
            let error = error.unwrap_err();
            assert!(matches!(
                error.kind(),
                ErrorKind::InvalidOption {
                    option: "quality",
                    ..
                }
            ));
        }
    }
    let lossless = [Format::Gif, Format::Pnm, Format::Exr, Format::Hdr];
    for format in LOSSLESS_RGBA.into_iter().chain(lossless) {
        let result = SaveOptions::new().quality(90).encode(&image, format);
        if format == Format::WebP {
            result.unwrap();
            continue;
        }
        let error = result.unwrap_err();
        assert!(
            matches!(
                error.kind(),
                ErrorKind::InvalidOption {
                    option: "quality",
                    ..
                }
            ),
            "{format}: {error}"
        );
    }
}

fn sizes_a_format_cannot_hold_are_errors(device: &Device) {
    let cases = [
        (Format::Jpeg, 65_536, 1),
        (Format::WebP, 16_384, 1),
        (Format::Ico, 257, 1),
    ];
    for (format, width, height) in cases {
        let image = ImageU8::new(device, width, height).unwrap();
        let error = SaveOptions::new().encode_u8(&image, format).unwrap_err();
        let kind = error.kind();
        let typed = matches!(kind, ErrorKind::LimitExceeded { .. });
        assert!(typed, "{error}");
    }
}
