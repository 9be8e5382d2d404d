//! The examples, as a person runs them.

mod batch;
mod contact_sheet;
mod killed;
#[cfg(target_os = "linux")]
mod names;
#[cfg(target_os = "linux")]
mod output;

use crate::support::{Noise, example};
use imagecuda::{Device, Format, Image, LoadOptions, SaveOptions};
use libtest_mimic::Trial;
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = batch::trials();
    trials.extend(contact_sheet::trials());
    #[cfg(target_os = "linux")]
    trials.extend(names::trials().into_iter().chain(output::trials()));
    trials.extend(crate::support::on_each_device(crate::device_tests![
        sequence_saves_every_frame_in_order,
        sequence_stops_at_a_frame_of_another_size,
        tensor_tells_of_every_picture,
        thumbnails_fit_and_are_never_larger,
    ]));
    #[cfg(feature = "ndarray")]
    trials.push(
        Trial::test("interop_mirrors_and_shrinks", || {
            interop_mirrors_and_shrinks();
            Ok(())
        })
        // A bundle is without it.
        .with_ignored_flag(std::env::var_os("IMAGECUDA_DATA_DIR").is_some()),
    );
    trials
}

fn run_on(device: &Device, name: &str, args: &[&Path]) -> Output {
    let mut command = program(name);
    command.args(["--device", &device.to_string()]).args(args);
    command.output().unwrap()
}

fn tensor_tells_of_every_picture(device: &Device) {
    let root = tempfile::tempdir().unwrap();
    folder(root.path(), ["a.png", "b.bmp", "c.qoi"]);
    let size: [&Path; 4] = [
        "--size".as_ref(),
        "32x24".as_ref(),
        "--batch".as_ref(),
        "2".as_ref(),
    ];
    let run = run_on(device, "tensor", &[&size[..], &[root.path()]].concat());
    assert!(run.status.success(), "{}", text(&run.stderr));
    let said = text(&run.stdout);
    assert!(
        said.starts_with("3 pictures in batches of [2, 3, 24, 32]"),
        "{said}"
    );
    fs::write(root.path().join("d.png"), "no picture").unwrap();
    let run = run_on(device, "tensor", &[&size[..], &[root.path()]].concat());
    assert!(!run.status.success() && text(&run.stdout).starts_with("3 pictures"));
    assert!(text(&run.stderr).contains("d.png"), "{}", text(&run.stderr));
}

fn thumbnails_fit_and_are_never_larger(device: &Device) {
    let root = tempfile::tempdir().unwrap();
    let (from, to) = (root.path().join("in"), root.path().join("out"));
    fs::create_dir(&from).unwrap();
    for (name, (width, height)) in [
        ("wide.png", (80, 20)),
        ("high.png", (30, 90)),
        ("small.png", (9, 5)),
    ] {
        imagecuda::save(&picture(1, width, height), from.join(name)).unwrap();
    }
    let side: [&Path; 2] = ["--side".as_ref(), "40".as_ref()];
    let run = run_on(device, "thumbnails", &[&side[..], &[&from, &to]].concat());
    assert!(run.status.success(), "{}", text(&run.stderr));
    for (name, size) in [
        ("wide.png.jpg", (40, 10)),
        ("high.png.jpg", (13, 40)),
        ("small.png.jpg", (9, 5)),
    ] {
        let info = imagecuda::inspect(to.join(name)).unwrap();
        assert_eq!((info.width(), info.height()), size, "{name}");
    }
    let broken = from.join("broken.png");
    fs::write(&broken, "no picture").unwrap();
    let run = run_on(device, "thumbnails", &[&from, &to]);
    assert_eq!(run.status.code(), Some(1));
    let message = text(&run.stderr);
    let line = format!("thumbnails: {}: unknown image format", broken.display());
    assert!(message.starts_with(&line), "{message}");
}

/// The example, without what a scheduler says to the tests themselves.
fn program(name: &str) -> Command {
    let mut command = example(name);
    for variable in [
        "SLURM_ARRAY_TASK_ID",
        "SLURM_ARRAY_TASK_MIN",
        "SLURM_ARRAY_TASK_COUNT",
        "JOB_COMPLETION_INDEX",
        "JOB_COMPLETIONS",
    ] {
        command.env_remove(variable);
    }
    command
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// A picture that is another for every `seed`.
fn picture(seed: u64, width: u32, height: u32) -> Image {
    let mut image = Image::new(&Device::cpu(), width, height).unwrap();
    let mut noise = Noise::new(seed + 1);
    let colors: Vec<f32> = noise
        .bytes(4)
        .iter()
        .map(|&b| f32::from(b) / 255.0)
        .collect();
    let pixel = |i: usize| colors[i % 4] * (1.0 - (i / 4 % 50) as f32 / 50.0);
    let samples: Vec<f32> = (0..(width * height * 4) as usize).map(pixel).collect();
    image.upload(&samples).unwrap();
    image
}

/// A folder with pictures of these names.
fn folder<'a>(path: &Path, names: impl IntoIterator<Item = &'a str>) {
    for (seed, name) in names.into_iter().enumerate() {
        let path = path.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        imagecuda::save(&picture(seed as u64, 40, 30), path).unwrap();
    }
}

/// The files in a folder and in those in it, hidden ones too.
fn files(path: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Ok(entries) = fs::read_dir(path) else {
        return found;
    };
    for entry in entries {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(
                files(&entry.path())
                    .iter()
                    .map(|inner| format!("{name}/{inner}")),
            );
        } else {
            found.insert(name);
        }
    }
    found
}

/// Whether `target` is what single calls make of `source`.
fn is_converted(device: &Device, source: &Path, target: &Path) -> bool {
    let image = LoadOptions::new().load(device, source).unwrap();
    let format = Format::from_path(target).unwrap();
    fs::read(target).unwrap() == SaveOptions::new().encode(&image, format).unwrap()
}

fn sequence(device: &Device, args: &[&str], patterns: [&Path; 2]) -> Output {
    program("sequence")
        .args(["--device", &device.to_string()])
        .args(args)
        .args(patterns)
        .output()
        .unwrap()
}

fn sequence_saves_every_frame_in_order(device: &Device) {
    let root = tempfile::tempdir().unwrap();
    let input = root.path().join("frame_%04d.png");
    let output = root.path().join("out/%d.bmp");
    let frame = |i: u64| root.path().join(format!("frame_{i:04}.png"));
    // Number 30 is missing, and what is behind it is not of this sequence.
    for i in (8..30).chain([31]) {
        imagecuda::save(&picture(i, 64, 48), frame(i)).unwrap();
    }
    let run = sequence(device, &["--first", "8", "--fps", "25"], [&input, &output]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let line = text(&run.stdout);
    assert!(
        line.starts_with(&format!("22 frames on {device}, ")),
        "{line}"
    );
    assert_eq!(files(&root.path().join("out")).len(), 22);
    for i in 8..30 {
        let target = root.path().join(format!("out/{i}.bmp"));
        assert!(is_converted(device, &frame(i), &target), "{i}");
    }
    let run = sequence(device, &[], [&input, &root.path().join("again/%d.bmp")]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert_eq!(files(&root.path().join("again")).len(), 22, "from 8 on");
    let run = sequence(device, &["--first", "32"], [&input, &output]);
    assert_eq!(run.status.code(), Some(1), "there is none from 32 on");
    let run = sequence(device, &[], [&input, &input]);
    assert_eq!(run.status.code(), Some(2), "sources would be replaced");
    for fps in ["0", "-25", "nan", "inf", "x"] {
        let run = sequence(device, &["--fps", fps], [&input, &output]);
        assert_eq!(run.status.code(), Some(2), "{fps}");
        assert!(text(&run.stderr).contains("is no number above 0"), "{fps}");
    }
}

fn sequence_stops_at_a_frame_of_another_size(device: &Device) {
    let root = tempfile::tempdir().unwrap();
    for i in 0..9 {
        let side = if i == 5 { 40 } else { 32 };
        let path = root.path().join(format!("{i}.png"));
        imagecuda::save(&picture(i, side, 32), path).unwrap();
    }
    let patterns = ["%d.png", "out/%d.png"].map(|pattern| root.path().join(pattern));
    let run = sequence(device, &[], [&patterns[0], &patterns[1]]);
    assert_eq!(run.status.code(), Some(1));
    let message = text(&run.stderr);
    assert!(
        message.ends_with("5.png: 40x32, and the first is 32x32\n"),
        "{message}"
    );
    let before = (0..5).map(|i| format!("{i}.png")).collect();
    assert_eq!(files(&root.path().join("out")), before);
}

#[cfg(feature = "ndarray")]
fn interop_mirrors_and_shrinks() {
    let root = tempfile::tempdir().unwrap();
    let output = root.path().join("out.png");
    let run = program("interop")
        .env("IMAGECUDA_DEVICE", "cpu")
        .arg(crate::support::data("examples/data/sample.jpg"))
        .arg(&output)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", text(&run.stderr));
    let image = LoadOptions::new().load(&Device::cpu(), &output).unwrap();
    assert_eq!((image.width(), image.height()), (640, 427));
    let samples = image.download().unwrap();
    for row in samples.chunks(640 * 4) {
        for (left, right) in row.chunks(4).zip(row.chunks(4).rev()) {
            for (left, right) in left.iter().zip(right) {
                assert!((left - right).abs() < 2.5 / 255.0, "{left} and {right}");
            }
        }
    }
    let run = program("interop").arg("none.jpg").arg(&output).output();
    let run = run.unwrap();
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).starts_with("interop: none.jpg: "));
}
