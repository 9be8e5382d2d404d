//! The example `batch`.

use super::{files, folder, is_converted, picture, program, text};
use crate::support::interrupts::{interrupt, interruptible};
use imagecuda::{Device, Format, LoadOptions, SaveOptions};
use libtest_mimic::Trial;
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Output, Stdio},
    thread,
    time::Duration,
};

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        saves_what_is_whole_and_names_what_is_not,
        goes_on_where_it_was,
        interrupted_leaves_whole_files,
        killed_leaves_whole_files,
    ]);
    let tests: [(&str, fn()); 4] = [
        (
            "shards_are_all_of_it_and_nothing_twice",
            shards_are_all_of_it_and_nothing_twice,
        ),
        (
            "keeps_sources_of_one_name_apart",
            keeps_sources_of_one_name_apart,
        ),
        (
            "finds_folders_and_stays_out_of_its_own",
            finds_folders_and_stays_out_of_its_own,
        ),
        ("refuses_what_makes_no_sense", refuses_what_makes_no_sense),
    ];
    trials.extend(tests.map(|(name, test)| {
        Trial::test(format!("examples::batch::{name}"), move || {
            test();
            Ok(())
        })
    }));
    trials
}

pub(super) fn batch(device: &Device, args: &[&str], folders: [&Path; 2]) -> Output {
    program("batch")
        .args(["--device", &device.to_string(), "--threads=2"])
        .args(args)
        .args(folders)
        .output()
        .unwrap()
}

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

fn saves_what_is_whole_and_names_what_is_not(device: &Device) {
    let root = tempfile::tempdir().unwrap();
    let [from, to] = ["in", "out"].map(|name| root.path().join(name));
    folder(&from, ["a.jpg", "b.png", "c.webp", "d.TIF", "inner/e.png"]);
    fs::write(from.join("noise.png"), "no picture").unwrap();
    let whole = fs::read(from.join("a.jpg")).unwrap();
    fs::write(from.join("half.jpg"), &whole[..whole.len() / 2]).unwrap();
    fs::write(from.join("notes.txt"), "no picture, and not called one").unwrap();
    fs::write(from.join(".hidden.png"), "nothing to look at").unwrap();

    let run = batch(device, &["--format", "png"], [&from, &to]);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    assert_eq!(files(&to), set(["a.png", "b.png", "c.png", "d.png"]));
    for name in ["a.jpg", "b.png", "c.webp", "d.TIF"] {
        let target = to.join(name).with_extension("png");
        assert!(is_converted(device, &from.join(name), &target), "{name}");
    }

    let errors: Vec<&str> = text(&run.stderr).lines().collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    for (error, name) in errors.iter().zip(["half.jpg", "noise.png"]) {
        let beginning = format!("batch: {}", from.join(name).display());
        assert!(error.starts_with(&beginning), "{error}");
    }
    // Lines of plain text, as this is no terminal.
    let output = text(&run.stdout);
    assert!(!output.contains(['\r', '\x1b']), "{output:?}");
    assert!(output.starts_with(&format!("6 images on {device}\n")));
    assert!(output.contains("/6 images, "), "{output}");
    assert!(output.contains("\nsaved 4, skipped 0, failed 2 of 6 images in "));
    for stage in ["read", "decode", "upload", "work", "download", "encode"] {
        assert!(output.contains(&format!("\n{stage} ")), "{stage}: {output}");
    }
    assert!(output.contains("\nbottleneck: "), "{output}");
}

fn goes_on_where_it_was(device: &Device) {
    let root = tempfile::tempdir().unwrap();
    let [from, to] = ["in", "out"].map(|name| root.path().join(name));
    folder(&from, ["a.png", "b.png", "c.png"]);
    let run = batch(device, &["--format=bmp"], [&from, &to]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    fs::remove_file(to.join("b.bmp")).unwrap();
    fs::write(to.join("c.bmp"), "done by hand").unwrap();

    let run = batch(device, &["--format=bmp", "--resume"], [&from, &to]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert!(text(&run.stdout).contains("\nsaved 1, skipped 2, failed 0 of 3 "));
    assert!(is_converted(device, &from.join("b.png"), &to.join("b.bmp")));
    assert_eq!(fs::read(to.join("c.bmp")).unwrap(), b"done by hand");

    // Without it, files are replaced, and it is said.
    let run = batch(device, &["--format=bmp"], [&from, &to]);
    assert!(text(&run.stdout).contains("\n3 of them are there already and are replaced\n"));
    assert!(is_converted(device, &from.join("c.png"), &to.join("c.bmp")));
}

fn interrupted_leaves_whole_files(device: &Device) {
    const COUNT: usize = 300;
    let root = tempfile::tempdir().unwrap();
    let [from, to] = ["in", "out"].map(|name| root.path().join(name));
    fs::create_dir_all(&from).unwrap();
    let file = SaveOptions::new()
        .encode(&picture(1, 640, 480), Format::Jpeg)
        .unwrap();
    for i in 0..COUNT {
        fs::write(from.join(format!("{i}.jpg")), &file).unwrap();
    }
    let args = [
        "--format=webp",
        "--device",
        &device.to_string(),
        "--threads=1",
    ];
    let mut command = program("batch");
    interruptible(&mut command)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.args(args).args([&from, &to]).spawn().unwrap();
    while files(&to).len() < 4 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        thread::sleep(Duration::from_millis(2));
    }
    if !interrupt(&mut child) {
        return;
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));

    let there = files(&to);
    assert!(there.len() < COUNT, "{}", there.len());
    let all_whole = |there: &BTreeSet<String>| {
        // All sources are one picture.
        let image = LoadOptions::new().decode(device, &file).unwrap();
        let expected = SaveOptions::new().encode(&image, Format::WebP).unwrap();
        for name in there {
            assert!(name.ends_with(".webp") && !name.starts_with('.'), "{name}");
            assert!(fs::read(to.join(name)).unwrap() == expected, "{name}");
        }
    };
    all_whole(&there);

    let run = batch(device, &["--format=webp", "--resume"], [&from, &to]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let counts = format!("saved {}, skipped {}, ", COUNT - there.len(), there.len());
    assert!(text(&run.stdout).contains(&counts), "{counts}");
    assert_eq!(files(&to).len(), COUNT);
    all_whole(&files(&to));
}

fn killed_leaves_whole_files(device: &Device) {
    super::killed::leaves_whole_files(device);
}

fn shards_are_all_of_it_and_nothing_twice() {
    let root = tempfile::tempdir().unwrap();
    let from = root.path().join("in");
    // Of one name in different shards: what they are called must not depend on these.
    folder(
        &from,
        [
            "a.bmp", "a.jpg", "a.png", "b.png", "c.jpg", "c.png", "d.jpg",
        ],
    );
    let cpu = Device::cpu();
    let whole = root.path().join("whole");
    assert!(
        batch(&cpu, &["--format=qoi"], [&from, &whole])
            .status
            .success()
    );

    let option = |part: usize, to: &Path| {
        batch(
            &cpu,
            &["--format=qoi", &format!("--shard={part}/3")],
            [&from, to],
        )
    };
    let slurm = |part: usize, to: &Path| {
        program("batch")
            .args(["--device=cpu", "--format=qoi"])
            .args([&from, to])
            .env("SLURM_ARRAY_TASK_ID", (part + 1).to_string())
            .env("SLURM_ARRAY_TASK_MIN", "1")
            .env("SLURM_ARRAY_TASK_COUNT", "3")
            .output()
            .unwrap()
    };
    type Way<'a> = &'a dyn Fn(usize, &Path) -> Output;
    let ways: [(&str, Way<'_>); 2] = [("option", &option), ("slurm", &slurm)];
    for (way, run) in ways {
        let mut all = BTreeSet::new();
        for part in 0..3 {
            let to = root.path().join(format!("{way}{part}"));
            let run = run(part, &to);
            assert!(run.status.success(), "{}", text(&run.stderr));
            assert!(text(&run.stdout).contains(&format!(", part {part}/3 on cpu")));
            for name in files(&to) {
                let [part, whole] = [&to, &whole].map(|path| fs::read(path.join(&name)).unwrap());
                assert!(part == whole, "{name}");
                assert!(all.insert(name), "twice");
            }
        }
        assert_eq!(all, files(&whole));
    }

    let run = program("batch")
        .args([&from, &whole])
        .env("SLURM_ARRAY_TASK_ID", "1")
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(2), "an index without a count");
}

fn keeps_sources_of_one_name_apart() {
    let root = tempfile::tempdir().unwrap();
    let [from, to] = ["in", "out"].map(|name| root.path().join(name));
    let sources = ["a.bmp", "a.jpg", "a.jpg.png", "a.png", "b.png"];
    let targets = [
        "a.webp",
        "a.jpg.webp",
        "a.jpg.png.webp",
        "a.png.webp",
        "b.webp",
    ];
    folder(&from, sources);
    let cpu = Device::cpu();
    let run = batch(&cpu, &["--format=webp"], [&from, &to]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert_eq!(files(&to), set(targets));
    for (source, target) in sources.iter().zip(targets) {
        assert!(
            is_converted(&cpu, &from.join(source), &to.join(target)),
            "{target}"
        );
    }

    // Nothing that was asked for may be one of the sources.
    let before = files(&from);
    for args in [&[][..], &["--format", "png"]] {
        let run = batch(&cpu, args, [&from, &from.join("../in")]);
        assert_eq!(run.status.code(), Some(2), "{args:?}");
        assert!(text(&run.stderr).contains(" is a source and would be replaced"));
    }
    assert_eq!(files(&from), before);
    let links = root.path().join("links");
    fs::create_dir(&links).unwrap();
    if link(&from.join("b.png"), &links.join("b.png")) {
        let run = batch(&cpu, &["--format", "png"], [&from, &links]);
        assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
        assert!(text(&run.stderr).contains("b.png is a source and would be replaced"));
    }
    // Letters of another case are another name, but not on every system.
    let letters = root.path().join("letters");
    folder(&letters, ["a.PNG"]);
    let run = batch(&cpu, &["--format=png"], [&letters, &letters]);
    match letters.join("A.png").exists() {
        true => assert_eq!(run.status.code(), Some(2), "{}", text(&run.stdout)),
        false => assert!(run.status.success(), "{}", text(&run.stderr)),
    }
    // Another format may be beside them.
    let run = batch(&cpu, &["--format=tif"], [&from, &from]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert_eq!(files(&from).len(), 2 * sources.len());
}

/// Makes a symbolic link, where that may be done.
fn link(to: &Path, at: &Path) -> bool {
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(to, at);
    #[cfg(windows)]
    let made = std::os::windows::fs::symlink_file(to, at);
    if let Err(error) = &made {
        eprintln!("no links can be made here, so they are not tested: {error}");
    }
    // Wine says that it has made one, and has not.
    made.is_ok() && at.is_symlink()
}

fn finds_folders_and_stays_out_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let from = root.path().join("in");
    let to = from.join("out");
    folder(&from, ["a.png", "b/a.jpg", "b/c/a.pgm.jpg"]);
    fs::write(from.join("gray.pgm"), b"P5 2 1 255\n\x10\x80").unwrap();
    let cpu = Device::cpu();
    // Twice: the second must not take what the first has saved.
    for args in [&["--recursive"][..], &["--recursive", "--resume"]] {
        let dry = batch(&cpu, &[args, &["--dry-run"]].concat(), [&from, &to]);
        assert_eq!(text(&dry.stdout).lines().count(), 4);
        let run = batch(&cpu, args, [&from, &to]);
        assert!(run.status.success(), "{}", text(&run.stderr));
        let expected = ["a.png", "b/a.jpg", "b/c/a.pgm.jpg", "gray.ppm"];
        assert_eq!(files(&to), set(expected));
    }
    let dry = batch(&cpu, &["--dry-run"], [&from, &root.path().join("new")]);
    assert_eq!(text(&dry.stdout).lines().count(), 2);
    assert!(!root.path().join("new").exists());
}

fn refuses_what_makes_no_sense() {
    let root = tempfile::tempdir().unwrap();
    let [from, to] = ["in", "out"].map(|name| root.path().join(name));
    folder(&from, ["a.png"]);
    let cpu = Device::cpu();
    let cases: [(&[&str], &str); 9] = [
        (&["--quality=90"], "quality: not an option of PNG"),
        (&["--quality=101", "--format=jpg"], "101"),
        (&["--quality=best"], "--quality: "),
        (&["--format=docx"], "cannot save docx"),
        (&["--threads=0"], "--threads: "),
        (&["--shard=3/3"], "3/3"),
        (&["--shard"], "IN_DIR"),
        (&["--frobnicate"], "--frobnicate"),
        (&["more"], "one IN_DIR and one OUT_DIR"),
    ];
    for (args, cause) in cases {
        let run = match args {
            ["--shard"] => program("batch")
                .args([&from, &to])
                .arg("--shard")
                .output()
                .unwrap(),
            _ => batch(&cpu, args, [&from, &to]),
        };
        let message = text(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{args:?}: {message}");
        assert!(message.contains(cause), "{args:?}: {message}");
        assert!(message.contains("Usage: batch"), "{message}");
        assert!(!to.exists(), "{args:?}");
    }
    let run = batch(&cpu, &[], [&root.path().join("none"), &to]);
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(text(&run.stderr).lines().count(), 1);
    let help = program("batch").arg("--help").output().unwrap();
    assert!(help.status.success() && text(&help.stdout).starts_with("Usage: batch"));
}
