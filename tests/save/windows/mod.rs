//! Paths of Windows, and files that other programs have open.

mod names;

use super::files::{encoded, image, io_error};
use crate::support::pictures::folder;
use imagecuda::{Device, ErrorKind, LoadOptions, SaveOptions, batch::Saver};
use libtest_mimic::Trial;
use std::{
    fs::{self, File},
    io::{self, Read, Seek},
    os::windows::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// What others may do meanwhile with a file that is open.
const SHARE_READ: u32 = 1;
const SHARE_WRITE: u32 = 2;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = names::trials();
    trials.extend(crate::support::on_each_device(crate::device_tests![
        another_hard_link_keeps_the_old_picture,
        readers_keep_the_picture_that_they_have_open,
        a_file_that_another_program_locks_is_an_error_and_stays,
        a_locked_file_of_a_batch_fails_alone,
        a_hidden_file_stays_hidden,
        paths_may_be_long,
        paths_of_every_kind_lead_to_the_file,
        relative_paths_of_every_kind_lead_to_the_file,
    ]));
    trials
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

fn another_hard_link_keeps_the_old_picture(device: &Device) {
    let folder = folder();
    let [path, other] = ["a.bmp", "b.bmp"].map(|name| folder.path().join(name));
    let [old, new] = [40, 20].map(|width| image(device, width));
    imagecuda::save(&old, &path).unwrap();
    fs::hard_link(&path, &other).unwrap();
    imagecuda::save(&new, &path).unwrap();
    assert!(fs::read(&path).unwrap() == encoded(&new));
    assert!(fs::read(&other).unwrap() == encoded(&old));
    assert_eq!(count(folder.path()), 2);
}

/// Rust opens files so that they may be deleted, and so does this library.
fn readers_keep_the_picture_that_they_have_open(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.bmp");
    let [old, new] = [40, 20].map(|width| image(device, width));
    imagecuda::save(&old, &path).unwrap();
    let mut reader = File::open(&path).unwrap();
    let mut start = [0; 10];
    reader.read_exact(&mut start).unwrap();
    imagecuda::save(&new, &path).unwrap();
    assert!(fs::read(&path).unwrap() == encoded(&new));
    let mut rest = start.to_vec();
    reader.read_to_end(&mut rest).unwrap();
    assert!(rest == encoded(&old));
    drop(reader);
    assert_eq!(count(folder.path()), 1);
}

fn a_file_that_another_program_locks_is_an_error_and_stays(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.bmp");
    let [old, new] = [40, 20].map(|width| image(device, width));
    imagecuda::save(&old, &path).unwrap();
    // Others may do nothing, read, or even write, but not replace it.
    for shared in [0, SHARE_READ, SHARE_READ | SHARE_WRITE] {
        let mut lock = File::options()
            .read(true)
            .share_mode(shared)
            .open(&path)
            .unwrap();
        let error = imagecuda::save(&new, &path).unwrap_err();
        io_error(
            &error,
            &path,
            io::ErrorKind::ResourceBusy,
            "another program has the file open",
        );
        let mut bytes = Vec::new();
        lock.rewind().unwrap();
        lock.read_to_end(&mut bytes).unwrap();
        assert!(bytes == encoded(&old), "it changed under its reader");
        assert_eq!(count(folder.path()), 1, "nothing is left behind");
    }
    let lock = File::options()
        .read(true)
        .share_mode(0)
        .open(&path)
        .unwrap();
    let error = LoadOptions::new().load(device, &path).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
    drop(lock);
    imagecuda::save(&new, &path).unwrap();
    assert!(fs::read(&path).unwrap() == encoded(&new));
}

fn a_locked_file_of_a_batch_fails_alone(device: &Device) {
    let folder = folder();
    let paths = ["a.bmp", "b.bmp", "c.bmp"].map(|name| folder.path().join(name));
    let image = image(device, 40);
    fs::write(&paths[1], "locked").unwrap();
    let lock = File::options()
        .read(true)
        .share_mode(SHARE_READ)
        .open(&paths[1])
        .unwrap();
    let saver = Saver::new(SaveOptions::new()).threads(2);
    paths.iter().for_each(|path| saver.save(&image, path));
    for saved in saver.finish() {
        match saved.path == paths[1] {
            false => assert_eq!(saved.result.unwrap(), encoded(&image).len() as u64),
            true => {
                let error = saved.result.unwrap_err();
                io_error(
                    &error,
                    &paths[1],
                    io::ErrorKind::ResourceBusy,
                    "another program",
                );
            }
        }
    }
    drop(lock);
    assert_eq!(fs::read(&paths[1]).unwrap(), b"locked");
    assert_eq!(count(folder.path()), 3);
}

fn a_hidden_file_stays_hidden(device: &Device) {
    const HIDDEN: u32 = 2;
    let folder = folder();
    let path = folder.path().join("a.bmp");
    let hidden = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .attributes(HIDDEN)
        .open(&path);
    drop(hidden.unwrap());
    let attributes = || fs::metadata(&path).unwrap().file_attributes();
    assert_eq!(attributes() & HIDDEN, HIDDEN);
    let image = image(device, 40);
    imagecuda::save(&image, &path).unwrap();
    assert_eq!(attributes() & HIDDEN, HIDDEN);
    assert!(fs::read(&path).unwrap() == encoded(&image));
}

/// Longer than the 260 characters that most functions of Windows take.
fn paths_may_be_long(device: &Device) {
    let folder = folder();
    let mut deep = folder.path().to_owned();
    while deep.as_os_str().len() < 400 {
        deep.push("a folder with a long name, of which there are several");
    }
    fs::create_dir_all(&deep).unwrap();
    let path = deep.join("a.bmp");
    for width in [40, 20] {
        let image = image(device, width);
        imagecuda::save(&image, &path).unwrap();
        assert!(fs::read(&path).unwrap() == encoded(&image));
        let loaded = LoadOptions::new().load(device, &path).unwrap();
        assert!(encoded(&loaded) == encoded(&image));
        assert_eq!(imagecuda::inspect(&path).unwrap().width(), width);
    }
    // As long as a name may be, so that no longer one fits beside it.
    let name = format!("{}.bmp", "n".repeat(255 - 4));
    imagecuda::save(&image(device, 40), deep.join(&name)).unwrap();
    assert_eq!(count(&deep), 2);
    let missing = deep.join("no/such/a.bmp");
    let error = imagecuda::save(&image(device, 40), &missing).unwrap_err();
    io_error(&error, &missing, io::ErrorKind::NotFound, "does not exist");
}

fn paths_of_every_kind_lead_to_the_file(device: &Device) {
    let folder = folder();
    let plain = folder.path().join("a.bmp");
    let text = plain.to_str().unwrap();
    let rest = text.split_once(':').expect("a drive").1;
    let mut paths = vec![
        plain.clone(),
        text.replace('\\', "/").into(),
        text.replace('\\', "\\\\").into(),
        format!(r"\\?\{text}").into(),
        format!(r"\\.\{text}").into(),
        folder.path().join(r"none\..\a.bmp"),
    ];
    let share = format!(r"\\localhost\{}${rest}", &text[..1]);
    match Path::new(&share).parent().is_some_and(Path::is_dir) {
        true => paths.push(PathBuf::from(share)),
        false => eprintln!("{share} cannot be reached: no path of another machine is tested"),
    }
    for path in paths {
        for width in [40, 20] {
            let image = image(device, width);
            imagecuda::save(&image, &path).unwrap();
            assert!(
                fs::read(&plain).unwrap() == encoded(&image),
                "{}",
                path.display()
            );
            let loaded = LoadOptions::new().load(device, &path).unwrap();
            assert!(encoded(&loaded) == encoded(&image), "{}", path.display());
        }
        fs::remove_file(&plain).unwrap();
        assert_eq!(count(folder.path()), 0, "{}", path.display());
    }
}

/// In a program of its own, because all of it has one current folder.
fn relative_paths_of_every_kind_lead_to_the_file(device: &Device) {
    const NAME: &str = "save::windows::relative_paths_of_every_kind_lead_to_the_file";
    if !crate::support::alone(NAME, device) {
        return;
    }
    let folder = folder();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    std::env::set_current_dir(&inner).unwrap();
    let text = inner.to_str().unwrap();
    let (drive, rest) = text.split_once(':').expect("a drive");
    let drive_relative = format!("{drive}:a.bmp");
    let root_relative = format!(r"{rest}\a.bmp");
    let paths = [
        "a.bmp",
        r".\a.bmp",
        r"..\inner\a.bmp",
        "../inner/a.bmp",
        &drive_relative,
        &root_relative,
    ];
    for path in paths {
        for width in [40, 20] {
            let image = image(device, width);
            imagecuda::save(&image, path).unwrap();
            assert!(
                fs::read(inner.join("a.bmp")).unwrap() == encoded(&image),
                "{path}"
            );
            let loaded = LoadOptions::new().load(device, path).unwrap();
            assert!(encoded(&loaded) == encoded(&image), "{path}");
        }
        fs::remove_file(inner.join("a.bmp")).unwrap();
        assert_eq!(count(&inner), 0, "{path}");
    }
    // Windows removes no folder that is somebody's current one.
    std::env::set_current_dir(folder.path().parent().unwrap()).unwrap();
}
