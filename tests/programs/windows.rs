//! `convert` and `batch` with paths of Windows.

use crate::support::{
    example,
    pictures::{folder, picture},
};
use imagecuda::{Device, Format, LoadOptions, SaveOptions};
use libtest_mimic::Trial;
use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    os::windows::{ffi::OsStringExt, fs::OpenOptionsExt},
    path::{Path, PathBuf},
    process::Output,
};

pub(super) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        convert_takes_paths_of_every_kind,
        convert_replaces_its_source,
        convert_names_what_it_cannot_save_to,
        batch_takes_folders_of_every_kind,
        batch_leaves_out_what_windows_hides,
        in_a_batch_what_cannot_be_saved_fails_alone,
        arguments_may_be_no_unicode,
    ])
}

/// Runs the example in a folder, in which relative paths begin.
fn run(name: &str, device: &Device, folder: &Path, args: &[&OsStr]) -> Output {
    let device = device.to_string();
    let mut command = example(name);
    command.args(["--device", &device]).args(args);
    command.current_dir(folder).output().unwrap()
}

#[track_caller]
fn succeeds(run: &Output) {
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{}: {said}", run.status);
}

/// A picture with a name, and what saving it as BMP gives.
fn save(device: &Device, path: &Path) -> Vec<u8> {
    let image = picture(device, 40, 30);
    imagecuda::save_u8(&image, path).unwrap();
    let image = LoadOptions::new().load(device, path).unwrap();
    SaveOptions::new().encode(&image, Format::Bmp).unwrap()
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// What leads to a folder, which is also the current one.
fn ways_to(folder: &Path) -> Vec<PathBuf> {
    let text = folder.to_str().unwrap();
    let (drive, rest) = text.split_once(':').expect("a drive");
    let name = folder.file_name().unwrap().to_str().unwrap();
    let mut ways = vec![
        folder.to_owned(),
        text.replace('\\', "/").into(),
        format!(r"\\?\{text}").into(),
        format!(r"\\.\{text}").into(),
        rest.into(),
        format!("{drive}:").into(),
        ".".into(),
        format!(r"..\{name}").into(),
    ];
    let share = PathBuf::from(format!(r"\\localhost\{drive}${rest}"));
    match share.is_dir() {
        true => ways.push(share),
        false => eprintln!("{} cannot be reached: not tested", share.display()),
    }
    ways
}

/// In a folder that is deeper than the 260 characters that most functions of Windows take.
fn deep(folder: &Path) -> PathBuf {
    let mut deep = folder.to_owned();
    while deep.as_os_str().len() < 400 {
        deep.push("a folder with a long name, of which there are several");
    }
    fs::create_dir_all(&deep).unwrap();
    deep
}

fn convert_takes_paths_of_every_kind(device: &Device) {
    let root = folder();
    let folder = root.path().join("gr\u{fc}\u{df}e \u{5199}\u{771f} 50%");
    fs::create_dir(&folder).unwrap();
    let expected = save(device, &folder.join("a b.png"));
    let mut ways = ways_to(&folder);
    let deep = deep(&folder);
    fs::copy(folder.join("a b.png"), deep.join("a b.png")).unwrap();
    ways.push(deep.strip_prefix(&folder).unwrap().to_owned());
    ways.push(deep);
    for way in ways {
        // As a person writes them: joining would make another path of some.
        let [from, to] = ["a b.png", "\u{1f5bc}.bmp"].map(|name| way.join(name));
        succeeds(&run(
            "convert",
            device,
            &folder,
            &[from.as_ref(), to.as_ref()],
        ));
        let whole = std::path::absolute(folder.join(&to)).unwrap();
        let place = match way.to_str() {
            Some(way) if way.ends_with(':') => folder.join("\u{1f5bc}.bmp"),
            _ => whole,
        };
        assert!(fs::read(&place).unwrap() == expected, "{}", to.display());
        fs::remove_file(&place).unwrap();
    }
    // The picture and the folders of the deep one.
    assert_eq!(count(&folder), 2);
}

fn convert_replaces_its_source(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.png");
    let expected = save(device, &path);
    let args = ["--format=bmp".as_ref(), path.as_ref(), path.as_ref()];
    succeeds(&run("convert", device, folder.path(), &args));
    assert!(fs::read(&path).unwrap() == expected);
    assert_eq!(count(folder.path()), 1);
}

fn convert_names_what_it_cannot_save_to(device: &Device) {
    let folder = folder();
    save(device, &folder.path().join("a.png"));
    let locked = folder.path().join("locked.bmp");
    fs::write(&locked, "old").unwrap();
    let lock = File::options().read(true).share_mode(0).open(&locked);
    for (target, says) in [
        ("locked.bmp", "another program has the file open"),
        ("nul.bmp", r"Windows takes this name for the device \\.\nul"),
        ("a?.bmp", "os error 123"),
        (r"none\a.bmp", "the folder none does not exist"),
        (r"a.png\a.bmp", "a.png is not a folder"),
    ] {
        let whole = std::path::absolute(target).unwrap();
        if target == "nul.bmp" && !whole.to_str().unwrap().starts_with(r"\\.\") {
            continue; // Windows 11 has files of that name
        }
        let args = ["a.png".as_ref(), target.as_ref()];
        let run = run("convert", device, folder.path(), &args);
        assert_eq!(run.status.code(), Some(1), "{target}");
        let said = String::from_utf8_lossy(&run.stderr);
        let begins = format!("convert: {target} (BMP): ");
        assert!(said.starts_with(&begins) && said.contains(says), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert_eq!(count(folder.path()), 2, "{target}");
    }
    drop(lock.unwrap());
    assert_eq!(fs::read(&locked).unwrap(), b"old");
}

fn batch_takes_folders_of_every_kind(device: &Device) {
    let root = folder();
    let folder = root.path().join("\u{5199}\u{771f} 50%");
    fs::create_dir(&folder).unwrap();
    let expected = save(device, &folder.join("\u{e4} b.png"));
    let mut ways = ways_to(&folder);
    // Where all that is there already is the picture, so that it alone is converted.
    let deep = deep(&root.path().join("deep"));
    fs::copy(folder.join("\u{e4} b.png"), deep.join("\u{e4} b.png")).unwrap();
    ways.push(deep);
    for way in ways {
        let out = way.join("out");
        let args = ["--format=bmp".as_ref(), way.as_ref(), out.as_ref()];
        succeeds(&run("batch", device, &folder, &args));
        let place = match way.to_str().unwrap().ends_with(':') {
            true => folder.join("out"),
            false => folder.join(&way).join("out"),
        };
        let file = fs::read(place.join("\u{e4} b.bmp")).unwrap();
        assert!(file == expected, "{}", way.display());
        assert_eq!(count(&place), 1);
        fs::remove_dir_all(&place).unwrap();
    }
}

fn batch_leaves_out_what_windows_hides(device: &Device) {
    const HIDDEN: u32 = 2;
    let folder = folder();
    let (input, output) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&input).unwrap();
    save(device, &input.join("a.png"));
    let mut options = File::options();
    options.write(true).create_new(true).attributes(HIDDEN);
    drop(options.open(input.join("AlbumArtSmall.png")).unwrap());
    let args = ["--format=bmp".as_ref(), input.as_ref(), output.as_ref()];
    let run = run("batch", device, folder.path(), &args);
    succeeds(&run);
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(said.starts_with("1 images on "), "{said}");
    assert!(output.join("a.bmp").is_file());
    assert_eq!(count(&output), 1);
}

fn in_a_batch_what_cannot_be_saved_fails_alone(device: &Device) {
    let folder = folder();
    let (input, output) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&input).unwrap();
    fs::create_dir(&output).unwrap();
    let expected = save(device, &input.join("a.png"));
    for name in ["b.png", "c.png", "d.png"] {
        fs::copy(input.join("a.png"), input.join(name)).unwrap();
    }
    fs::write(output.join("b.bmp"), "locked").unwrap();
    fs::write(output.join("c.bmp"), "read-only").unwrap();
    let mut permissions = fs::metadata(output.join("c.bmp")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(output.join("c.bmp"), permissions).unwrap();
    let locked = |path: &Path| File::options().read(true).share_mode(0).open(path).unwrap();
    let locks = [output.join("b.bmp"), input.join("d.png")].map(|path| locked(&path));
    let args = ["--format=bmp".as_ref(), input.as_ref(), output.as_ref()];
    let run = run("batch", device, folder.path(), &args);
    assert_eq!(run.status.code(), Some(1));
    let said = String::from_utf8_lossy(&run.stderr);
    let mut lines: Vec<&str> = said.lines().collect();
    lines.sort_unstable();
    // Sources are named, whatever failed.
    for (line, (name, says)) in lines.iter().zip([
        (
            r"in\d.png",
            "another program has the file open and does not let it be read",
        ),
        (
            r"out\b.bmp",
            "another program has the file open and does not let it be replaced",
        ),
        (r"out\c.bmp", "the file is read-only"),
    ]) {
        assert!(line.contains(name) && line.contains(says), "{said}");
    }
    assert_eq!(lines.len(), 3, "{said}");
    drop(locks);
    assert!(fs::read(output.join("a.bmp")).unwrap() == expected);
    assert_eq!(fs::read(output.join("b.bmp")).unwrap(), b"locked");
    assert_eq!(fs::read(output.join("c.bmp")).unwrap(), b"read-only");
    assert_eq!(count(&output), 3);
}

/// Half of a pair is no text, but Windows starts programs with it, and has files of that name.
fn arguments_may_be_no_unicode(device: &Device) {
    let folder = folder();
    let lone = OsString::from_wide(&[0x61, 0xd83d, 0x2e, 0x62, 0x6d, 0x70]);
    assert!(lone.to_str().is_none());
    let expected = save(device, &folder.path().join("a.png"));
    let takes_it = fs::write(folder.path().join(&lone), "old").is_ok();
    let run = run("convert", device, folder.path(), &["a.png".as_ref(), &lone]);
    match takes_it {
        true => {
            succeeds(&run);
            assert!(fs::read(folder.path().join(&lone)).unwrap() == expected);
        }
        // An error of that file, and no panic. Wine, whose files are Linux's, has none of that name.
        false => {
            let said = String::from_utf8_lossy(&run.stderr);
            assert_eq!(run.status.code(), Some(1), "{said}");
            assert!(said.starts_with("convert: a\u{fffd}.bmp (BMP): "), "{said}");
            assert_eq!(count(folder.path()), 1);
        }
    }
}
