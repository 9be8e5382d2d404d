//! Disks that are full, folders that vanish, and writers that fail.

use super::names;
#[cfg(unix)]
use crate::support::pictures::decode_bits;
use crate::support::pictures::{folder, picture};
#[cfg(unix)]
use imagecuda::batch::Saver;
use imagecuda::{Device, ErrorKind, Format, SaveOptions, batch::Pipeline};
use libtest_mimic::Trial;
use std::{
    convert::Infallible,
    fs,
    io::{self, Write},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};
#[cfg(unix)]
use std::{path::PathBuf, time::Duration};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        a_writer_that_fails_says_why,
        a_full_device_says_so,
        files_that_may_not_be_that_large_are_errors,
        a_disk_that_is_full_has_whole_files_only,
        a_folder_that_vanishes_in_a_batch_is_an_error_for_each_file,
    ])
}

/// A place for so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn a_writer_that_fails_says_why(device: &Device) {
    let image = picture(device, 97, 61).to_f32().unwrap();
    for &format in Format::ALL.iter().filter(|format| format.can_save()) {
        let options = SaveOptions::new().background([0; 3]);
        let whole = options.encode(&image, format).unwrap();
        for room in [0, 1, whole.len() / 2, whole.len() - 1] {
            let error = options.encode_to(&image, format, Full(room)).unwrap_err();
            let ErrorKind::Io(io) = error.kind() else {
                panic!("{format}: {error}")
            };
            assert_eq!(io.kind(), io::ErrorKind::StorageFull, "{format}");
            assert_eq!(error.format(), Some(format), "{error}");
        }
        options
            .encode_to(&image, format, Full(whole.len()))
            .unwrap();
    }
}

#[cfg(target_os = "linux")]
fn a_full_device_says_so(device: &Device) {
    let image = imagecuda::Image::new(device, 8, 8).unwrap();
    let folder = folder();
    let link = folder.path().join("a.png");
    std::os::unix::fs::symlink("/dev/full", &link).unwrap();
    let error = imagecuda::save(&image, &link).unwrap_err();
    check(&error, &link, io::ErrorKind::StorageFull);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[cfg(not(target_os = "linux"))]
fn a_full_device_says_so(_: &Device) {}

fn check(error: &imagecuda::Error, path: &Path, kind: io::ErrorKind) {
    let ErrorKind::Io(io) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(io.kind(), kind, "{error}");
    assert_eq!(error.path(), Some(path), "{error}");
}

/// Saves in a folder in which 16 KB fit and 200 KB do not, in all ways that there are.
#[cfg(unix)]
fn large_files_fail_and_small_ones_do_not(device: &Device, folder: &Path, kind: io::ErrorKind) {
    let large = picture(device, 300, 200).to_f32().unwrap();
    let small = picture(device, 30, 20).to_f32().unwrap();
    let options = SaveOptions::new().compression(imagecuda::Compression::Uncompressed);
    let path = |name: &str| folder.join(name);

    // A file that is not there, and one that is.
    let old = imagecuda::encode(&small, Format::Bmp).unwrap();
    fs::write(path("old.bmp"), &old).unwrap();
    for name in [
        "new.bmp", "old.bmp", "new.jpg", "new.webp", "new.exr", "new.hdr",
    ] {
        let error = imagecuda::save(&large, path(name)).unwrap_err();
        check(&error, &path(name), kind);
    }
    for name in ["new.tif", "new.png"] {
        let error = options.save(&large, path(name)).unwrap_err();
        check(&error, &path(name), kind);
    }
    let frames = (0..9).map(|_| (&large, Duration::from_millis(10)));
    let error = SaveOptions::new().save_animation(path("new.gif"), frames, None);
    check(&error.unwrap_err(), &path("new.gif"), kind);
    assert_eq!(names(folder), ["old.bmp".to_owned()].into());
    assert!(fs::read(path("old.bmp")).unwrap() == old);

    // One at a time: what is written of a large one leaves no room for others meanwhile.
    let saver = Saver::new(SaveOptions::new()).threads(1);
    for i in 0..20 {
        let image = if i % 2 == 0 { &large } else { &small };
        // The small ones share a name, so that there is room for all of them.
        saver.save(
            image,
            path(if i % 2 == 0 { "large.bmp" } else { "small.bmp" }),
        );
    }
    for (i, saved) in saver.finish().into_iter().enumerate() {
        match saved.result {
            Err(error) if i % 2 == 0 => check(&error, &saved.path, kind),
            Ok(length) if i % 2 == 1 => assert_eq!(length, old.len() as u64),
            other => panic!("{i}: {other:?}"),
        }
    }
    let there = ["old.bmp", "small.bmp"].map(str::to_owned);
    assert_eq!(names(folder), there.clone().into());
    assert!(fs::read(path("small.bmp")).unwrap() == old);

    let jobs: Vec<(PathBuf, PathBuf)> = (0..6)
        .map(|i| (path("old.bmp"), path(&format!("{i}.bmp"))))
        .collect();
    let report = Pipeline::new(device)
        .threads(2)
        .run(jobs.clone(), |image, _| {
            *image = large.to_device(device)?;
            Ok::<(), imagecuda::Error>(())
        });
    assert_eq!((report.saved, report.failures.len()), (0, jobs.len()));
    for failure in &report.failures {
        let error = failure.error.downcast_ref().unwrap();
        check(error, &failure.target, kind);
    }
    assert_eq!(names(folder), there.into());
    // What was too much is not there, and the rest of the disk is of use.
    imagecuda::save(&small, path("new.bmp")).unwrap();
    assert!(decode_bits(device, &fs::read(path("new.bmp")).unwrap()) == decode_bits(device, &old));
}

/// In a program of its own, whose files may have 20 KB, or 40 by another shell's count.
#[cfg(unix)]
fn files_that_may_not_be_that_large_are_errors(device: &Device) {
    let name = "hostile::faults::disk::files_that_may_not_be_that_large_are_errors";
    // Ignored, so that it is an error and not the end.
    if crate::support::alone_after("trap '' XFSZ && ulimit -f 40", name, device) {
        let folder = folder();
        large_files_fail_and_small_ones_do_not(device, folder.path(), io::ErrorKind::FileTooLarge);
    }
}

#[cfg(not(unix))]
fn files_that_may_not_be_that_large_are_errors(_: &Device) {}

/// In a program with mounts of its own, where that may be had.
#[cfg(target_os = "linux")]
fn a_disk_that_is_full_has_whole_files_only(device: &Device) {
    const FOLDER: &str = "IMAGECUDA_TEST_SMALL_DISK";
    const NAME: &str = "hostile::faults::disk::a_disk_that_is_full_has_whole_files_only";
    let Some(disk) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        let folder = folder();
        let path = folder.path().to_str().unwrap();
        let mount = "mount -t tmpfs -o size=32k imagecuda \"$0\" && exec \"$@\"";
        let way = |unshare| ["unshare", unshare, "--mount", "sh", "-c", mount, path];
        // Root needs no namespace of users, in which a GPU may be out of reach.
        let ways = ["--fork", "--map-root-user"].map(way);
        let works = |way: &[&str; 7]| {
            let tried = std::process::Command::new(way[0])
                .args(&way[1..])
                .arg("true")
                .output();
            tried.is_ok_and(|output| output.status.success())
        };
        let Some(way) = ways.iter().find(|way| works(way)) else {
            eprintln!("no file system may be mounted here: not tested");
            return;
        };
        let variable = format!("{FOLDER}={path}");
        let words = [&["env", &variable][..], way].concat();
        crate::support::alone_through(&words, NAME, device);
        return;
    };
    large_files_fail_and_small_ones_do_not(device, &disk, io::ErrorKind::StorageFull);

    // Files until it is full: those that are there are whole.
    fs::read_dir(&disk)
        .unwrap()
        .for_each(|entry| fs::remove_file(entry.unwrap().path()).unwrap());
    let small = picture(device, 30, 20).to_f32().unwrap();
    let file = imagecuda::encode(&small, Format::Bmp).unwrap();
    let saver = Saver::new(SaveOptions::new()).threads(3);
    let path = |i: usize| disk.join(format!("{i}.bmp"));
    (0..60).for_each(|i| saver.save(&small, path(i)));
    let saved = saver.finish();
    let whole = saved.iter().filter(|saved| saved.result.is_ok());
    let whole: Vec<_> = whole.map(|saved| saved.path.clone()).collect();
    assert!((4..30).contains(&whole.len()), "{}", whole.len());
    assert_eq!(names(&disk).len(), whole.len());
    for path in &whole {
        assert!(fs::read(path).unwrap() == file);
    }
    for saved in saved.iter().filter(|saved| saved.result.is_err()) {
        check(
            saved.result.as_ref().unwrap_err(),
            &saved.path,
            io::ErrorKind::StorageFull,
        );
    }
    // The same again goes on where it was, once there is room.
    fs::remove_file(&whole[0]).unwrap();
    let folder = folder();
    let source = folder.path().join("a.bmp");
    fs::write(&source, &file).unwrap();
    let jobs: Vec<_> = whole
        .iter()
        .map(|path| (source.clone(), path.clone()))
        .collect();
    let report = Pipeline::new(device)
        .resume(true)
        .run(jobs, |_, _| Ok::<(), Infallible>(()));
    assert_eq!((report.saved, report.skipped), (1, whole.len() - 1));
}

#[cfg(not(target_os = "linux"))]
fn a_disk_that_is_full_has_whole_files_only(_: &Device) {}

fn a_folder_that_vanishes_in_a_batch_is_an_error_for_each_file(device: &Device) {
    let folder = folder();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let source = folder.path().join("a.png");
    let image = picture(device, 61, 47).to_f32().unwrap();
    imagecuda::save(&image, &source).unwrap();
    let expected = fs::read(&source).unwrap();
    let jobs = || (0..40).map(|i| (source.clone(), out.join(format!("{i:02}.png"))));
    let jobs: Vec<_> = jobs().collect();

    let done = AtomicUsize::new(0);
    let report = Pipeline::new(device)
        .threads(2)
        .in_flight(2)
        .run(jobs.clone(), |_, _| {
            if done.fetch_add(1, Ordering::Relaxed) == 20 {
                // Whatever is being written meanwhile.
                while fs::remove_dir_all(&out).is_err() && out.exists() {}
            }
            Ok::<(), Infallible>(())
        });
    assert_eq!(report.saved + report.failures.len(), jobs.len());
    assert!(report.failures.len() >= 19, "{}", report.failures.len());
    for failure in &report.failures {
        check(
            failure.error.downcast_ref().unwrap(),
            &failure.target,
            io::ErrorKind::NotFound,
        );
    }
    assert!(!out.exists());

    fs::create_dir(&out).unwrap();
    let report = Pipeline::new(device)
        .resume(true)
        .run(jobs.clone(), |_, _| Ok::<(), Infallible>(()));
    assert_eq!((report.saved, report.failures.len()), (jobs.len(), 0));
    assert_eq!(names(&out).len(), jobs.len());
    for (_, target) in jobs {
        assert!(
            fs::read(&target).unwrap() == expected,
            "{}",
            target.display()
        );
    }
}
