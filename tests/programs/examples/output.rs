//! What the examples do where nobody reads what they print, or there is no room for it; where their
//! pictures come from pipes and go to them.

use super::{folder, picture, program, text};
use imagecuda::{Device, Format, LoadOptions, SaveOptions};
use libtest_mimic::Trial;
use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

pub(super) fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 6] = [
        ("nobody_reads_what_is_printed", nobody_reads_what_is_printed),
        (
            "there_is_no_room_for_what_is_printed",
            there_is_no_room_for_what_is_printed,
        ),
        ("help_and_info_may_be_cut", help_and_info_may_be_cut),
        ("convert_is_a_filter", convert_is_a_filter),
        (
            "convert_adds_to_what_standard_output_has",
            convert_adds_to_what_standard_output_has,
        ),
        (
            "convert_saves_in_the_format_it_is_told",
            convert_saves_in_the_format_it_is_told,
        ),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(format!("examples::output::{name}"), move || {
            test();
            Ok(())
        })
    };
    tests.map(trial).into()
}

/// Each program with a task, and a file that it is to save. In a folder of its own.
fn tasks(root: &Path) -> Vec<(&'static str, Command, PathBuf)> {
    folder(&root.join("in"), ["0.png", "1.png"]);
    let cpu = Device::cpu();
    let mut animation = SaveOptions::new().animation(Format::Gif).unwrap();
    for seed in 0..2 {
        let image = picture(seed, 40, 30).to_device(&cpu).unwrap();
        animation.push(&image, std::time::Duration::ZERO).unwrap();
    }
    animation.save(root.join("a.gif")).unwrap();
    let in_root = |words: &[&str]| {
        let mut command = program(words[0]);
        command.env("IMAGECUDA_DEVICE", "cpu").current_dir(root);
        command.args(&words[1..]);
        command
    };
    let mut tasks = vec![
        (&["convert", "in/0.png", "c.bmp"][..], "c.bmp"),
        (&["batch", "--format=bmp", "in", "b"], "b/1.bmp"),
        (&["contact_sheet", "in", "sheet.bmp"], "sheet.bmp"),
        (&["frames", "a.gif", "f_%02d.bmp"], "f_01.bmp"),
        (&["sequence", "in/%d.png", "s/%d.bmp"], "s/1.bmp"),
        (&["sample", "9x6", "sample.bmp"], "sample.bmp"),
    ];
    if cfg!(feature = "ndarray") && std::env::var_os("IMAGECUDA_DATA_DIR").is_none() {
        tasks.push((&["interop", "in/0.png", "i.bmp"], "i.bmp"));
    }
    let task =
        |(words, target): (&[&'static str], &str)| (words[0], in_root(words), root.join(target));
    tasks.into_iter().map(task).collect()
}

/// A pipe whose reader has gone.
fn closed() -> Stdio {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    File::options()
        .write(true)
        .open("/dev/full")
        .unwrap()
        .into()
}

pub(super) fn is_whole(path: &Path) -> bool {
    LoadOptions::new().load(&Device::cpu(), path).is_ok()
}

fn nobody_reads_what_is_printed() {
    let root = tempfile::tempdir().unwrap();
    for (name, mut task, target) in tasks(root.path()) {
        let run = task.stdout(closed()).output().unwrap();
        assert!(run.status.success(), "{name}: {}", text(&run.stderr));
        assert!(!text(&run.stderr).contains("panicked"), "{name}");
        assert!(is_whole(&target), "{name}");
    }
}

fn there_is_no_room_for_what_is_printed() {
    let root = tempfile::tempdir().unwrap();
    for (name, mut task, target) in tasks(root.path()) {
        let run = task.stdout(full()).output().unwrap();
        let said = text(&run.stderr);
        assert!(is_whole(&target), "{name}: {said}");
        if name == "sample" {
            assert!(run.status.success(), "it prints nothing");
            continue;
        }
        assert_eq!(run.status.code(), Some(1), "{name}: {said}");
        assert!(
            said.ends_with("No space left on device (os error 28)\n"),
            "{said}"
        );
        assert!(
            said.contains(&format!("{name}: standard output: ")),
            "{said}"
        );
        // Nor is there for what went wrong.
        let mut failing = program(name);
        failing
            .args(["--none", "none"])
            .stdout(full())
            .stderr(full());
        let code = failing.status().unwrap().code();
        assert!(matches!(code, Some(1 | 2)), "{name}: {code:?}");
    }
}

fn help_and_info_may_be_cut() {
    for name in [
        "convert",
        "batch",
        "contact_sheet",
        "frames",
        "sequence",
        "sample",
    ] {
        let help = |out| program(name).arg("--help").stdout(out).output().unwrap();
        let run = help(closed());
        assert!(run.status.success() && run.stderr.is_empty(), "{name}");
        let run = help(full());
        assert_eq!(run.status.code(), Some(1), "{name}");
        assert!(!text(&run.stderr).contains("panicked"), "{name}");
        let run = help(Stdio::piped());
        assert!(text(&run.stdout).starts_with(&format!("Usage: {name} ")));
    }
    let sample = crate::support::data("examples/data/sample.jpg");
    let info = |out| {
        program("convert")
            .arg("--info")
            .arg(&sample)
            .stdout(out)
            .stderr(Stdio::null())
            .status()
    };
    assert!(info(closed()).unwrap().success());
    assert_eq!(info(full()).unwrap().code(), Some(1));
}

/// `convert` on the CPU, with what it reads.
fn convert(args: &[&OsStr], input: Stdio) -> Output {
    let mut command = program("convert");
    command.args(["--device", "cpu"]).args(args).stdin(input);
    command.output().unwrap()
}

pub(super) fn words<'a>(words: &'a [&'a str]) -> Vec<&'a OsStr> {
    words.iter().map(OsStr::new).collect()
}

fn convert_is_a_filter() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.png");
    let image = picture(3, 40, 30);
    imagecuda::save(&image, &path).unwrap();
    let open = || Stdio::from(File::open(&path).unwrap());
    let bmp = SaveOptions::new().encode(&image, Format::Bmp).unwrap();

    let run = convert(&words(&["--format", "bmp", "-", "-"]), open());
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert!(run.stdout == bmp);
    assert!(
        text(&run.stderr).contains("40x30, PNG to BMP: "),
        "{}",
        text(&run.stderr)
    );
    let target = root.path().join("b.bmp");
    let run = convert(&[OsStr::new("-"), target.as_ref()], open());
    assert!(run.status.success() && text(&run.stdout).contains("PNG to BMP: "));
    assert!(fs::read(&target).unwrap() == bmp);
    let run = convert(
        &[OsStr::new("--format=.bmp"), path.as_ref(), OsStr::new("-")],
        open(),
    );
    assert!(run.stdout == bmp);
    let run = convert(&words(&["--info", "-"]), open());
    assert!(text(&run.stdout).starts_with("40x30 PNG\n"));
    // What has no name, and no mark by which it is known.
    let tga = SaveOptions::new().encode(&image, Format::Tga).unwrap();
    fs::write(&path, tga).unwrap();
    let run = convert(
        &words(&["--format=bmp", "--input-format=tga", "-", "-"]),
        open(),
    );
    assert!(run.stdout == bmp, "{}", text(&run.stderr));

    let failures: [(&[&str], Stdio, i32, &str); 5] = [
        (&["-", "-"], open(), 2, "--format is needed"),
        (&["--format=docx", "-", "-"], open(), 2, "cannot save docx"),
        (
            &["--format=bmp", "-", "-"],
            open(),
            1,
            "standard input: unknown image format",
        ),
        (
            &["--format=bmp", "-", "-"],
            Stdio::null(),
            1,
            "standard input: cannot decode",
        ),
        (
            &["--frame=1", "--format=bmp", "-", "-"],
            Stdio::null(),
            1,
            "standard input: ",
        ),
    ];
    for (args, input, code, says) in failures {
        let run = convert(&words(args), input);
        assert_eq!(run.status.code(), Some(code), "{args:?}");
        let said = text(&run.stderr);
        assert!(said.contains(says), "{args:?}: {said}");
        assert!(run.stdout.is_empty());
    }
    // A picture that nobody takes is not saved.
    for out in [closed(), full()] {
        let sample = crate::support::data("examples/data/sample.jpg");
        let mut command = program("convert");
        command
            .args(["--device=cpu", "--format=bmp"])
            .arg(sample)
            .arg("-");
        let run = command.stdout(out).output().unwrap();
        assert_eq!(run.status.code(), Some(1));
        assert!(text(&run.stderr).starts_with("convert: standard output: "));
        assert_eq!(
            text(&run.stderr).lines().count(),
            1,
            "{}",
            text(&run.stderr)
        );
    }
}

fn convert_adds_to_what_standard_output_has() {
    let root = tempfile::tempdir().unwrap();
    let [source, link, log] = ["a.png", "b.bmp", "log"].map(|name| root.path().join(name));
    let image = picture(3, 40, 30);
    imagecuda::save(&image, &source).unwrap();
    symlink("/dev/stdout", &link).unwrap();
    fs::write(&log, "before").unwrap();
    let mut expected = b"before".to_vec();
    for target in [&*link, Path::new("/dev/stdout"), Path::new("-")] {
        let run = program("convert")
            .args(["--device=cpu", "--format=bmp"])
            .args([&source, target])
            .stdout(File::options().append(true).open(&log).unwrap())
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", text(&run.stderr));
        // What it says is not in the picture.
        assert!(text(&run.stderr).contains("PNG to BMP: "));
        expected.extend(SaveOptions::new().encode(&image, Format::Bmp).unwrap());
        assert!(fs::read(&log).unwrap() == expected, "{}", target.display());
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

fn convert_saves_in_the_format_it_is_told() {
    let root = tempfile::tempdir().unwrap();
    let source = root.path().join("a.png");
    imagecuda::save(&picture(3, 40, 30), &source).unwrap();
    for (extension, begins) in [("pam", &b"P7\n"[..]), ("ppm", b"P6"), ("PNG", b"\x89PNG")] {
        let target = root.path().join("picture.dat");
        let option = OsString::from(format!("--format={extension}"));
        let run = convert(&[&option, source.as_ref(), target.as_ref()], Stdio::null());
        assert!(run.status.success(), "{}", text(&run.stderr));
        assert!(
            fs::read(&target).unwrap().starts_with(begins),
            "{extension}"
        );
    }
    let target = root.path().join("picture.dat");
    let options = words(&["--format=png", "--quality=90"]);
    let files = [source.as_ref(), target.as_ref()];
    let run = convert(&[&options[..], &files].concat(), Stdio::null());
    assert_eq!(run.status.code(), Some(1));
    let beginning = format!("convert: {}: quality: ", target.display());
    assert!(
        text(&run.stderr).starts_with(&beginning),
        "{}",
        text(&run.stderr)
    );
    for extension in ["pjpeg", "pjp", "jif", "jfi", "JFIF"] {
        let target = root.path().join("a").with_extension(extension);
        let run = convert(&[source.as_ref(), target.as_ref()], Stdio::null());
        assert!(run.status.success(), "{}", text(&run.stderr));
        assert!(fs::read(&target).unwrap().starts_with(b"\xff\xd8\xff"));
    }
}
