//! Targets that are no regular files: devices, pipes, and what a process has open. They are written
//! to, and never replaced.

use crate::support::{
    alone_through, is_one_pixel_too_wide,
    pictures::{folder, picture},
};
use imagecuda::{
    Device, ErrorKind, Format, Image, ImageU8, SaveOptions,
    batch::{Pipeline, Saver},
};
use libtest_mimic::Trial;
use std::{
    convert::Infallible,
    fs, io,
    os::unix::{
        fs::{FileTypeExt, symlink},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        what_goes_to_standard_output_is_behind_what_is_there,
        what_goes_to_an_open_file_is_behind_what_is_there,
        a_pipe_takes_what_every_way_saves,
        a_save_that_fails_waits_for_no_reader,
        a_device_takes_everything_and_stays,
        a_socket_is_an_error_and_stays,
    ])
}

const OUT: &str = "IMAGECUDA_TEST_OUT";

/// Runs `test`, of this name, by a shell's `script` that has the file `OUT` in its hands, in which
/// there is something; and says what is in the file then. `None` in the program that runs.
fn into_file(script: &str, name: &str, device: &Device) -> Option<Vec<u8>> {
    let folder = folder();
    let out = folder.path().join("out");
    fs::write(&out, "before ").unwrap();
    let variable = format!("{OUT}={}", out.display());
    let words = ["env", &variable, "sh", "-c", script, "sh"];
    let is_child = alone_through(&words, &format!("save::streams::{name}"), device);
    (!is_child).then(|| fs::read(&out).unwrap())
}

fn file() -> Image {
    picture(&Device::cpu(), 40, 30).to_f32().unwrap()
}

fn bytes() -> Vec<u8> {
    imagecuda::encode(&file(), Format::Png).unwrap()
}

/// The whole of this is in a program of its own, whose output goes behind what a file has.
fn what_goes_to_standard_output_is_behind_what_is_there(device: &Device) {
    let name = "what_goes_to_standard_output_is_behind_what_is_there";
    // What the test says is in the file too.
    let script = format!("\"$@\" >> \"${OUT}\"; code=$?; cat \"${OUT}\"; exit $code");
    let Some(written) = into_file(&script, name, device) else {
        let folder = folder();
        let link = folder.path().join("link.png");
        symlink("/dev/stdout", &link).unwrap();
        let image = file().to_device(device).unwrap();
        print!("printed "); // and not yet written
        imagecuda::save(&image, &link).unwrap();
        let png = SaveOptions::new().format(Format::Png);
        for path in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
            print!(" {path} ");
            png.save(&image, path).unwrap();
        }
        println!(" after");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        return;
    };
    assert!(written.starts_with(b"before "), "what was there is gone");
    let picture = bytes();
    let expected = [
        b"printed ",
        &picture[..],
        b" /dev/stdout ",
        &picture,
        b" /dev/fd/1 ",
        &picture,
        b" /proc/self/fd/1 ",
        &picture,
        b" after\n",
    ]
    .concat();
    let is_there = written.windows(expected.len()).any(|part| part == expected);
    assert!(is_there, "{}", written.escape_ascii());
}

fn what_goes_to_an_open_file_is_behind_what_is_there(device: &Device) {
    let name = "what_goes_to_an_open_file_is_behind_what_is_there";
    let script = format!("exec \"$@\" 7>> \"${OUT}\"");
    let Some(written) = into_file(&script, name, device) else {
        let folder = folder();
        let link = folder.path().join("link.png");
        symlink("/dev/fd/7", &link).unwrap();
        let image = file().to_device(device).unwrap();
        imagecuda::save(&image, &link).unwrap();
        let png = SaveOptions::new().format(Format::Png);
        png.save(&image, "/proc/self/fd/7").unwrap();
        // What is not open is an error, and no new file.
        let error = png.save(&image, "/dev/fd/99").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
        // Nor is it taken for a file that is there, which it is.
        let source = folder.path().join("source.png");
        fs::write(&source, bytes()).unwrap();
        let report = Pipeline::new(device)
            .resume(true)
            .run([(source, link)], |_, _| Ok::<(), Infallible>(()));
        assert_eq!((report.saved, report.skipped), (1, 0));
        return;
    };
    let picture = bytes();
    assert!(written == [b"before ", &picture[..], &picture, &picture].concat());
}

fn pipe(folder: &Path) -> PathBuf {
    let pipe = folder.join("pipe.gif");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    pipe
}

fn a_pipe_takes_what_every_way_saves(device: &Device) {
    let folder = folder();
    let pipe = pipe(folder.path());
    let image = file().to_device(device).unwrap();
    let expected = imagecuda::encode(&image, Format::Gif).unwrap();
    let animation = || {
        let mut animation = SaveOptions::new().animation(Format::Gif).unwrap();
        animation.push(&image, Duration::ZERO).unwrap();
        animation
    };
    let source = folder.path().join("source.gif");
    fs::write(&source, &expected).unwrap();
    let read = |save: &dyn Fn()| {
        let reader = thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        save();
        reader.join().unwrap()
    };
    let by_saver = read(&|| {
        let saver = Saver::new(SaveOptions::new());
        saver.save(&image, &pipe);
        let saved = saver.finish();
        // What was written, though the pipe itself has no length.
        assert_eq!(*saved[0].result.as_ref().unwrap(), expected.len() as u64);
    });
    assert!(by_saver == expected);
    let as_animation = read(&|| animation().save(&pipe).unwrap());
    assert!(as_animation == animation().finish().unwrap());
    let by_pipeline = read(&|| {
        let report = Pipeline::new(device)
            .resume(true)
            .run([(source.clone(), pipe.clone())], |_, _| {
                Ok::<(), Infallible>(())
            });
        assert_eq!((report.saved, report.skipped), (1, 0));
    });
    assert!(by_pipeline.starts_with(b"GIF89a"));
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
}

/// Nothing is opened before there is something to write: this would wait for ever.
fn a_save_that_fails_waits_for_no_reader(device: &Device) {
    let folder = folder();
    let pipe = pipe(folder.path());
    let wide = ImageU8::new(device, 65_536, 1).unwrap();
    let error = SaveOptions::new().save_u8(&wide, &pipe).unwrap_err();
    is_one_pixel_too_wide(&error);
}

fn a_device_takes_everything_and_stays(device: &Device) {
    let folder = folder();
    let link = folder.path().join("null.png");
    symlink("/dev/null", &link).unwrap();
    let image = file().to_device(device).unwrap();
    let source = folder.path().join("source.png");
    imagecuda::save(&image, &source).unwrap();
    for _ in 0..2 {
        imagecuda::save(&image, &link).unwrap();
        SaveOptions::new()
            .format(Format::Jpeg)
            .save(&image, "/dev/null")
            .unwrap();
        let report = Pipeline::new(device)
            .resume(true)
            .run([(source.clone(), link.clone())], |_, _| {
                Ok::<(), Infallible>(())
            });
        assert_eq!((report.saved, report.skipped), (1, 0));
    }
    let null = fs::metadata("/dev/null").unwrap();
    assert!(null.file_type().is_char_device());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    if Path::new("/dev/full").exists() {
        let full = SaveOptions::new().format(Format::Png);
        let error = full.save(&image, "/dev/full").unwrap_err();
        let ErrorKind::Io(io) = error.kind() else {
            panic!("{error}")
        };
        assert_eq!(io.kind(), io::ErrorKind::StorageFull);
        assert_eq!(error.path(), Some(Path::new("/dev/full")));
    }
}

fn a_socket_is_an_error_and_stays(device: &Device) {
    let folder = folder();
    let path = folder.path().join("socket.png");
    let _listener = UnixListener::bind(&path).unwrap();
    let image = file().to_device(device).unwrap();
    let error = imagecuda::save(&image, &path).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
    assert!(fs::metadata(&path).unwrap().file_type().is_socket());
}
