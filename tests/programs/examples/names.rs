//! Files of names of all kinds, and files whose names show no picture.

use super::output::{is_whole, words};
use super::{files, folder, is_converted, picture, program, text};
use imagecuda::Device;
use libtest_mimic::Trial;
use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::Path,
};

pub(super) fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 2] = [
        ("names_of_all_kinds", names_of_all_kinds),
        (
            "batch_tells_what_it_leaves_out",
            batch_tells_what_it_leaves_out,
        ),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(format!("examples::names::{name}"), move || {
            test();
            Ok(())
        })
    };
    tests.map(trial).into()
}

fn names_of_all_kinds() {
    let root = tempfile::tempdir().unwrap();
    let names = [
        OsStr::new("with space.png"),
        OsStr::new("-dash.png"),
        OsStr::new("--help.png"),
        OsStr::new("per%cent.png"),
        OsStr::new("new\nline.png"),
        OsStr::from_bytes(b"no\xfftext.png"),
    ];
    let image = picture(3, 40, 30);
    fs::create_dir_all(root.path().join("in")).unwrap();
    for name in names {
        imagecuda::save(&image, root.path().join("in").join(name)).unwrap();
    }
    let at = |name: &OsStr, folder: &str| root.path().join(folder).join(name);
    let run = |example: &str, folder: &str, args: &[&OsStr]| {
        let mut command = program(example);
        command.env("IMAGECUDA_DEVICE", "cpu").args(args);
        let run = command
            .current_dir(root.path().join(folder))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.success(), "{example} {args:?}: {said}");
    };
    for name in names {
        let target = Path::new(name).with_extension("bmp");
        run("convert", "in", &[OsStr::new("--"), name, target.as_ref()]);
        assert!(is_converted(
            &Device::cpu(),
            &at(name, "in"),
            &at(target.as_ref(), "in")
        ));
        fs::remove_file(at(target.as_ref(), "in")).unwrap();
        let target = Path::new(name).with_extension("gif");
        run("frames", "in", &[OsStr::new("--"), name, target.as_ref()]);
        assert!(is_whole(&at(target.as_ref(), "in")), "{name:?}");
        fs::remove_file(at(target.as_ref(), "in")).unwrap();
    }
    run("batch", "", &words(&["--format=bmp", "in", "out"]));
    for name in names {
        let target = Path::new(name).with_extension("bmp");
        assert!(is_converted(
            &Device::cpu(),
            &at(name, "in"),
            &at(target.as_ref(), "out")
        ));
    }
    run("contact_sheet", "", &words(&["in", "sheet.bmp"]));
    // Where text is asked for, what is none is refused.
    let no_text = OsStr::from_bytes(b"no\xfftext_%d.png");
    let run = program("sequence")
        .args([no_text, no_text])
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("invalid unicode"));
}

fn batch_tells_what_it_leaves_out() {
    let root = tempfile::tempdir().unwrap();
    let from = root.path().join("in");
    folder(&from, ["a.png", "b.pjpeg"]);
    for name in ["notes.txt", "more.TXT", "README", ".hidden"] {
        fs::write(from.join(name), "no picture").unwrap();
    }
    symlink("gone.png", from.join("link.png")).unwrap();
    let batch = |args: &[&str]| {
        let mut command = program("batch");
        command.args(["--device=cpu", "--format=bmp"]).args(args);
        command
            .current_dir(root.path())
            .args(["in", "out"])
            .output()
            .unwrap()
    };
    let counts = "left out 4 that are no pictures to load: 1 .png, 2 .txt, 1 without an extension";
    let names = [
        "in/README: its name shows no picture format",
        "in/link.png: it is no file, and leads to none",
        "in/more.TXT: its name shows no picture format",
        "in/notes.txt: its name shows no picture format",
    ];
    let dry = batch(&["--dry-run"]);
    assert_eq!(text(&dry.stdout).lines().count(), 2);
    assert_eq!(text(&dry.stderr), format!("batch: {counts}\n"));
    let run = batch(&[]);
    assert!(run.status.success() && run.stderr.is_empty());
    let lines: Vec<&str> = text(&run.stdout).lines().collect();
    assert_eq!(lines[..2], ["2 images on cpu", counts]);
    assert_eq!(files(&root.path().join("out")).len(), 2);
    let run = batch(&["-v"]);
    let named: Vec<String> = names.map(|name| format!("batch: left out {name}")).into();
    assert!(text(&run.stderr).lines().eq(named));

    fs::remove_file(from.join("a.png")).unwrap();
    fs::remove_file(from.join("b.pjpeg")).unwrap();
    let run = batch(&[]);
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(
        text(&run.stderr),
        format!("batch: in: there are no pictures here; {counts}\n")
    );
}
