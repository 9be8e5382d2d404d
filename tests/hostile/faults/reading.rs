//! Files that cannot be read, or change while they are.

use crate::support::{
    Noise, alone, bits,
    pictures::{folder, picture},
};
use imagecuda::{Device, ErrorKind, Format, LoadOptions, SaveOptions, batch::Loader};
use libtest_mimic::Trial;
use std::{
    fs::{self, File},
    io::{Seek, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        what_cannot_be_read_is_an_error_and_keeps_no_memory,
        pipes_are_read_to_their_end,
        files_that_change_while_they_are_loaded,
    ])
}

/// What opens, or not, and cannot be read; and what ends before its size says.
#[cfg(target_os = "linux")]
fn unreadable(folder: &Path) -> Vec<PathBuf> {
    let missing = folder.join("missing.png");
    let inside_a_file = folder.join("whole.png/a.png");
    let system = [
        // Reading fails at once.
        "/proc/self/mem",
        // They say 4096 bytes, and have fewer.
        "/sys/kernel/mm/transparent_hugepage/enabled",
        "/sys/devices/system/cpu/online",
    ];
    let system = system
        .iter()
        .map(PathBuf::from)
        .filter(|path| path.exists());
    let own = [folder.to_owned(), missing, inside_a_file];
    own.into_iter().chain(system).collect()
}

#[cfg(not(target_os = "linux"))]
fn unreadable(folder: &Path) -> Vec<PathBuf> {
    vec![
        folder.to_owned(),
        folder.join("missing.png"),
        folder.join("whole.png/a.png"),
    ]
}

/// In a program of its own, as buffers are counted for all of a program.
fn what_cannot_be_read_is_an_error_and_keeps_no_memory(device: &Device) {
    let name = "hostile::faults::reading::what_cannot_be_read_is_an_error_and_keeps_no_memory";
    if !alone(name, device) {
        return;
    }
    let folder = folder();
    let whole = folder.path().join("whole.png");
    let half = folder.path().join("half.png");
    let image = picture(device, 200, 150).to_f32().unwrap();
    imagecuda::save(&image, &whole).unwrap();
    let file = fs::read(&whole).unwrap();
    fs::write(&half, &file[..file.len() / 2]).unwrap();
    let expected = bits(
        &LoadOptions::new()
            .load(device, &whole)
            .unwrap()
            .download()
            .unwrap(),
    );

    let options = LoadOptions::new();
    let mut bad = unreadable(folder.path());
    for path in &bad {
        let error = options.load(device, path).unwrap_err();
        let kind = error.kind();
        let typed = matches!(kind, ErrorKind::Io(_) | ErrorKind::UnknownFormat(_));
        assert!(typed, "{error}");
        assert_eq!(error.path(), Some(&**path), "{error}");
        options
            .clone()
            .allow_truncated(true)
            .load(device, path)
            .unwrap_err();
        imagecuda::inspect(path).unwrap_err();
        assert!(options.frames(device, path).is_err());
    }
    bad.push(half);

    let mut counts = Vec::new();
    for _ in 0..4 {
        // Between them, and behind them, what can be read is.
        let path = |i| match i % 4 {
            3 => &whole,
            _ => &bad[i % bad.len()],
        };
        let paths: Vec<_> = (0..200).map(|i| path(i).clone()).collect();
        let loaded = Loader::new(device).threads(3).in_flight(4).load(paths);
        let mut good = 0;
        for (path, image) in loaded {
            assert_eq!(image.is_ok(), path == whole, "{}", path.display());
            if let Ok(image) = image {
                assert!(bits(&image.download().unwrap()) == expected);
                good += 1;
            }
        }
        assert_eq!(good, 50);
        counts.push(device.transfer_buffers());
    }
    // A buffer that was lost with its file would be another one each time, 450 of them. What is more in
    // flight than ever before is a few.
    assert!(counts[3] - counts[0] <= 30, "{counts:?}");
}

#[cfg(unix)]
fn pipes_are_read_to_their_end(device: &Device) {
    use std::process::Command;
    let folder = folder();
    let pipe = folder.path().join("pipe.png");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let image = picture(device, 200, 150);
    let file = SaveOptions::new().encode_u8(&image, Format::Png).unwrap();
    let through_pipe = |bytes: &[u8]| -> imagecuda::Result<imagecuda::Image> {
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut writer = File::options().write(true).open(&pipe).unwrap();
                // In pieces, as a pipe gives them.
                for piece in bytes.chunks(5000) {
                    writer.write_all(piece).unwrap();
                }
            });
            LoadOptions::new().load(device, &pipe)
        })
    };
    let expected = image.to_f32().unwrap().download().unwrap();
    for _ in 0..2 {
        // What ends behind the last pixel is whole.
        for cut in [1, file.len() / 3, file.len() - 200] {
            let error = through_pipe(&file[..cut]).unwrap_err();
            let kind = error.kind();
            let typed = matches!(kind, ErrorKind::Decode(_) | ErrorKind::UnknownFormat(_));
            assert!(typed, "{error}");
            assert_eq!(error.path(), Some(&*pipe));
        }
        let error = through_pipe(&[]).unwrap_err();
        assert!(error.to_string().contains("empty"), "{error}");
        assert!(through_pipe(&file).unwrap().download().unwrap() == expected);
    }
}

#[cfg(not(unix))]
fn pipes_are_read_to_their_end(_: &Device) {}

/// Says that something is over.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn files_that_change_while_they_are_loaded(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.bmp");
    let image = picture(device, 300, 200);
    let expected = image.to_f32().unwrap().download().unwrap();
    let file = SaveOptions::new().encode_u8(&image, Format::Bmp).unwrap();
    fs::write(&path, &file).unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut noise = Noise::new(5);
            let mut writer = File::options().write(true).open(&path).unwrap();
            while !over.load(Ordering::Relaxed) {
                // Shorter, as long as before with zeros, longer, and whole again.
                let length = noise.next() % (2 * file.len() as u64);
                writer.set_len(length).unwrap();
                thread::yield_now();
                writer.set_len(file.len() as u64).unwrap();
                writer.rewind().unwrap();
                writer.write_all(&file).unwrap();
                thread::sleep(Duration::from_micros(noise.next() % 500));
            }
        });
        // A failure of the test must not be a hang.
        let over = OnDrop(&over);
        for path in std::iter::repeat_n(path.clone(), 400) {
            match LoadOptions::new().load(device, &path) {
                // As whole as its header says: what was not written yet is black.
                Ok(image) => {
                    assert_eq!((image.width(), image.height()), (300, 200));
                }
                Err(error) => {
                    let kind = error.kind();
                    let typed = matches!(kind, ErrorKind::Decode(_) | ErrorKind::UnknownFormat(_));
                    assert!(typed, "{error}");
                    assert_eq!(error.path(), Some(&*path));
                }
            }
        }
        let paths = std::iter::repeat_n(path.clone(), 400);
        let loaded = Loader::new(device).threads(2).load(paths).count();
        assert_eq!(loaded, 400);
        drop(over);
    });
    let image = LoadOptions::new().load(device, &path).unwrap();
    assert!(image.download().unwrap() == expected);
}
