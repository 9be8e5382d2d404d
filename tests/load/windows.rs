//! What Windows forbids to read.

use crate::support::pictures::{folder, picture};
use imagecuda::{Device, Error, ErrorKind, LoadOptions, batch::Loader};
use libtest_mimic::Trial;
use std::{fs::File, io, os::windows::fs::OpenOptionsExt, path::Path};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        a_locked_file_is_an_error_that_says_so,
        a_folder_is_an_error_that_says_so,
    ])
}

/// The errors of every way to read a file.
fn errors(device: &Device, path: &Path) -> Vec<Error> {
    let options = LoadOptions::new();
    let mut errors = vec![
        options.load(device, path).unwrap_err(),
        options.load_u8(device, path).unwrap_err(),
        options.inspect(path).unwrap_err(),
        options.frames(device, path).err().unwrap(),
    ];
    let loaded = Loader::new(device).load([path.to_owned()]);
    errors.extend(loaded.map(|(_, image)| image.unwrap_err()));
    errors
}

#[track_caller]
fn all_say(errors: &[Error], path: &Path, kind: io::ErrorKind, says: &str) {
    assert_eq!(errors.len(), 5);
    for error in errors {
        let ErrorKind::Io(io) = error.kind() else {
            panic!("{error}")
        };
        assert_eq!(io.kind(), kind, "{error}");
        assert_eq!(error.path(), Some(path));
        assert!(error.to_string().contains(says), "{error}");
    }
}

fn a_locked_file_is_an_error_that_says_so(device: &Device) {
    const SHARE_READ: u32 = 1;
    let folder = folder();
    let path = folder.path().join("a.png");
    let image = picture(device, 40, 30);
    imagecuda::save_u8(&image, &path).unwrap();
    let locked = |shared| {
        let mut options = File::options();
        options.read(true).share_mode(shared).open(&path).unwrap()
    };
    let lock = locked(0);
    let kind = io::ErrorKind::ResourceBusy;
    all_say(
        &errors(device, &path),
        &path,
        kind,
        "another program has the file open",
    );
    drop(lock);
    // Who lets others read hinders nobody.
    let _reader = locked(SHARE_READ);
    let loaded = LoadOptions::new().load_u8(device, &path).unwrap();
    assert!(loaded.download().unwrap() == image.download().unwrap());
}

fn a_folder_is_an_error_that_says_so(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.png");
    std::fs::create_dir(&path).unwrap();
    let kind = io::ErrorKind::IsADirectory;
    all_say(&errors(device, &path), &path, kind, "is a directory");
}
