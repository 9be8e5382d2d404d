//! The example `contact_sheet`.

use super::{files, folder, picture, program, text};
use imagecuda::{Device, Image, LoadOptions};
use libtest_mimic::Trial;
use std::{collections::BTreeSet, env, fs, ops::Range, path::Path, process::Output};

pub(super) fn trials() -> Vec<Trial> {
    // A bundle is without it.
    if env::var_os("IMAGECUDA_DATA_DIR").is_some() {
        return Vec::new();
    }
    let mut trials =
        crate::support::on_each_device(crate::device_tests![shows_what_loads_and_what_does_not]);
    let tests: [(&str, fn()); 4] = [
        ("shortens_names_in_the_middle", shortens_names_in_the_middle),
        ("averages_over_whole_areas", averages_over_whole_areas),
        ("arranges_its_cells", arranges_its_cells),
        ("refuses_what_makes_no_sense", refuses_what_makes_no_sense),
    ];
    trials.extend(tests.map(|(name, test)| {
        Trial::test(format!("examples::contact_sheet::{name}"), move || {
            test();
            Ok(())
        })
    }));
    trials
}

/// The side of a picture at most, between two of them, and the lines of a caption.
const SIZE: usize = 64;
const GAP: usize = 8;
const LINE: usize = 10;

const BACKGROUND: [u8; 3] = [24, 24, 27];
const PANEL: [u8; 3] = [34, 34, 38];
const NAME: [u8; 3] = [235; 3];
const DETAILS: [u8; 3] = [145, 145, 150];
const FAILED: [u8; 3] = [92, 20, 24];
const CHECKERS: [u8; 2] = [115, 166];

fn run(device: &Device, args: &[&str], paths: [&Path; 2]) -> Output {
    program("contact_sheet")
        .args(["--device", &device.to_string(), "--threads=2", "--size=64"])
        .args(args)
        .args(paths)
        .output()
        .unwrap()
}

struct Sheet {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
    columns: usize,
}

impl Sheet {
    fn load(path: &Path, columns: usize) -> Self {
        let image = LoadOptions::new().load(&Device::cpu(), path).unwrap();
        let samples = image.download().unwrap();
        let pixel = |rgba: &[f32]| {
            assert_eq!(rgba[3], 1.0, "a sheet is opaque");
            [0, 1, 2].map(|i| (rgba[i] * 255.0).round() as u8)
        };
        Self {
            width: image.width() as usize,
            height: image.height() as usize,
            pixels: samples.chunks(4).map(pixel).collect(),
            columns,
        }
    }

    /// The pixels of a part of a cell, counted from its upper left corner.
    fn cell(&self, index: usize, x: Range<usize>, y: Range<usize>) -> Vec<[u8; 3]> {
        let left = GAP + index % self.columns * (SIZE + GAP);
        let top = GAP + index / self.columns * (SIZE + 2 * LINE + GAP);
        let at = |x, y| self.pixels[(top + y) * self.width + left + x];
        y.flat_map(|y| x.clone().map(move |x| (x, y)))
            .map(|(x, y)| at(x, y))
            .collect()
    }

    fn square(&self, index: usize) -> Vec<[u8; 3]> {
        self.cell(index, 0..SIZE, 0..SIZE)
    }

    /// A line of text, and the space to the cell on the right.
    fn caption(&self, index: usize, line: usize) -> Vec<[u8; 3]> {
        let top = SIZE + line * LINE;
        self.cell(index, 0..SIZE + GAP, top..top + LINE)
    }
}

#[track_caller]
fn all(pixels: &[[u8; 3]], color: [u8; 3]) {
    let near = |pixel: &&[u8; 3]| (0..3).all(|i| pixel[i].abs_diff(color[i]) <= 1);
    let other = pixels.iter().find(|pixel| !near(pixel));
    assert_eq!(other, None, "{color:?}");
}

fn mean(pixels: &[[u8; 3]]) -> [f64; 3] {
    [0, 1, 2].map(|i| {
        let sum: f64 = pixels.iter().map(|pixel| f64::from(pixel[i])).sum();
        sum / pixels.len() as f64
    })
}

/// Saves a picture whose pixels are what `pixel` says of their places.
fn save(path: &Path, width: u32, height: u32, pixel: impl Fn(u32, u32) -> [f32; 4]) {
    let mut image = Image::new(&Device::cpu(), width, height).unwrap();
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let samples: Vec<f32> = places.flat_map(|(x, y)| pixel(x, y)).collect();
    image.upload(&samples).unwrap();
    imagecuda::save(&image, path).unwrap();
}

const RED: [f32; 4] = [1.0, 0.0, 0.0, 1.0];
const BLUE: [f32; 4] = [0.0, 0.0, 1.0, 1.0];

fn shows_what_loads_and_what_does_not(device: &Device) {
    let root = tempfile::tempdir().unwrap();
    let [from, to] = ["in", "sheet.png"].map(|name| root.path().join(name));
    fs::create_dir(&from).unwrap();
    save(&from.join("a.png"), 300, 200, |x, _| {
        if x < 150 { RED } else { BLUE }
    });
    // Half is green, and the red of the other half is not to be seen.
    save(&from.join("b.png"), 128, 128, |x, _| match x % 2 {
        0 => [0.0, 1.0, 0.0, 1.0],
        _ => [1.0, 0.0, 0.0, 0.0],
    });
    save(&from.join("c.png"), 10, 5, |x, _| match x {
        3 => RED,
        _ => BLUE,
    });
    let whole = fs::read(from.join("a.png")).unwrap();
    fs::write(from.join("d.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(from.join("e.jpg"), "no picture").unwrap();
    fs::write(from.join("notes.txt"), "no picture, and not called one").unwrap();
    fs::write(from.join(".hidden.png"), "nothing to look at").unwrap();

    let run = run(device, &["--columns=3"], [&from, &to]);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    let errors: Vec<&str> = text(&run.stderr).lines().collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    for (error, name) in errors.iter().zip(["d.png", "e.jpg"]) {
        let beginning = format!("contact_sheet: {}", from.join(name).display());
        assert!(error.starts_with(&beginning), "{error}");
    }
    let output = text(&run.stdout);
    assert!(output.starts_with(&format!("5 pictures on {device}\n")));
    assert!(output.ends_with(": 224x192, 3 of 5 pictures, 2 failed\n"));
    assert!(!output.contains(['\r', '\x1b']), "{output:?}");

    let sheet = Sheet::load(&to, 3);
    assert_eq!((sheet.width, sheet.height), (224, 192));
    // 64x43, in the middle.
    all(&sheet.cell(0, 0..SIZE, 0..10), PANEL);
    all(&sheet.cell(0, 0..32, 10..53), [255, 0, 0]);
    all(&sheet.cell(0, 32..SIZE, 10..53), [0, 0, 255]);
    all(&sheet.cell(0, 0..SIZE, 53..SIZE), PANEL);
    for (x, checker) in [(0..8, CHECKERS[0]), (8..16, CHECKERS[1])] {
        let half = checker / 2;
        all(&sheet.cell(1, x, 0..8), [half, half + 128, half]);
    }
    // Six times as large, and no more.
    all(&sheet.cell(2, 0..SIZE, 0..17), PANEL);
    all(&sheet.cell(2, 0..2, 17..47), PANEL);
    all(&sheet.cell(2, 2..20, 17..47), [0, 0, 255]);
    all(&sheet.cell(2, 20..26, 17..47), [255, 0, 0]);
    all(&sheet.cell(2, 26..62, 17..47), [0, 0, 255]);
    for failed in [3, 4] {
        all(&sheet.cell(failed, 0..SIZE, 0..4), FAILED);
        all(&sheet.cell(failed, 0..4, 0..SIZE), FAILED);
        let cause = sheet.square(failed);
        let letters = cause.iter().filter(|&&pixel| pixel != FAILED).count();
        assert!(letters > 100, "{letters}");
    }
    assert_ne!(sheet.square(3), sheet.square(4), "causes");
    // Where there is no sixth, and what is not part of the list is nowhere.
    all(&sheet.cell(5, 0..SIZE, 0..SIZE + 2 * LINE), BACKGROUND);
    for index in 0..5 {
        for (line, color) in [(0, NAME), (1, DETAILS)] {
            let caption: BTreeSet<_> = sheet.caption(index, line).into_iter().collect();
            assert_eq!(caption, [BACKGROUND, color].into(), "{index}");
        }
    }
}

fn shortens_names_in_the_middle() {
    let root = tempfile::tempdir().unwrap();
    let [from, to] = ["in", "sheet.bmp"].map(|name| root.path().join(name));
    // Ten characters fit. What differs in the middle is not to be seen.
    let names = [
        "T.png",
        "abc-e.png",
        "abcd-a-e.png",
        "abcd-b-e.png",
        "abcd-b-f.png",
        "abce-b-f.png",
        "中.png",
        "文.png",
    ];
    folder(&from, names);
    let run = run(&Device::cpu(), &["--columns=4"], [&from, &to]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let sheet = Sheet::load(&to, 4);
    let captions = [0, 1, 2, 3, 4, 5, 6, 7].map(|index| sheet.caption(index, 0));
    assert!(captions[2] == captions[3], "the middle");
    assert!(captions[6] == captions[7], "a box");
    let different: BTreeSet<_> = captions.iter().collect();
    assert_eq!(different.len(), 6);
    for index in 0..8 {
        // All are of one size.
        assert!(sheet.caption(index, 1) == sheet.caption(0, 1));
        all(
            &sheet.cell(index, SIZE..SIZE + GAP, 0..SIZE + 2 * LINE),
            BACKGROUND,
        );
    }
    // The letter T, below the space between two lines.
    all(&sheet.cell(0, 0..5, SIZE + 2..SIZE + 3), NAME);
    all(&sheet.cell(0, 2..3, SIZE + 2..SIZE + 9), NAME);
    all(&sheet.cell(0, 0..2, SIZE + 3..SIZE + 10), BACKGROUND);
    all(&sheet.cell(0, 3..6, SIZE + 3..SIZE + 10), BACKGROUND);
}

fn averages_over_whole_areas() {
    let root = tempfile::tempdir().unwrap();
    let [from, to] = ["in", "sheet.tif"].map(|name| root.path().join(name));
    fs::create_dir(&from).unwrap();
    // Opaque and of sizes that are no multiples. Each pixel counts as much as any other.
    let sizes = [(100, 70), (71, 97), (1000, 3), (65, 65)];
    let mut expected = Vec::new();
    for (seed, &(width, height)) in (0..).zip(&sizes) {
        let mut noise = crate::support::Noise::new(seed);
        let bytes = noise.bytes((width * height * 3) as usize);
        let rgb = |x, y| &bytes[(y * width + x) as usize * 3..][..3];
        let pixels: Vec<[u8; 3]> = bytes.chunks(3).map(|c| c.try_into().unwrap()).collect();
        expected.push(mean(&pixels));
        save(&from.join(format!("{seed}.png")), width, height, |x, y| {
            let [r, g, b] = [0, 1, 2].map(|i| f32::from(rgb(x, y)[i]) / 255.0);
            [r, g, b, 1.0]
        });
    }
    let run = run(&Device::cpu(), &["--columns=2"], [&from, &to]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let sheet = Sheet::load(&to, 2);
    let shown = [(64, 45), (47, 64), (64, 1), (64, 64)];
    for (index, (expected, (width, height))) in expected.iter().zip(shown).enumerate() {
        let (x, y) = ((SIZE - width) / 2, (SIZE - height) / 2);
        let pixels = sheet.cell(index, x..x + width, y..y + height);
        for (mean, expected) in mean(&pixels).iter().zip(expected) {
            assert!((mean - expected).abs() < 0.2, "{index}: {mean}, {expected}");
        }
        let panel = SIZE * SIZE - width * height;
        let squares = sheet.square(index);
        assert_eq!(squares.iter().filter(|&&p| p == PANEL).count(), panel);
    }
}

fn arranges_its_cells() {
    let root = tempfile::tempdir().unwrap();
    let [from, to] = ["in", "sheet.qoi"].map(|name| root.path().join(name));
    for i in 0..23 {
        let path = from.join(format!("{}/{i}.png", i % 2));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        imagecuda::save(&picture(i, 8, 8), path).unwrap();
    }
    let cpu = Device::cpu();
    let output = run(&cpu, &["--recursive"], [&from, &to]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // 7 columns of 72, 4 rows of 102 with a line for the folder: nothing is closer to 4:3.
    let sheet = Sheet::load(&to, 7);
    assert_eq!((sheet.width, sheet.height), (7 * 72 + 8, 4 * 102 + 8));
    // More columns than pictures are not needed.
    let output = run(&cpu, &["--columns=9"], [&from.join("0"), &to]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(Sheet::load(&to, 9).width, 9 * 72 + 8);
    let output = run(&cpu, &["--columns=900"], [&from.join("1"), &to]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(Sheet::load(&to, 11).width, 11 * 72 + 8);

    // A sheet of failures is one too.
    for i in (0..23).step_by(2) {
        fs::write(from.join(format!("0/{i}.png")), "no picture").unwrap();
    }
    let output = run(&cpu, &["--columns=6"], [&from.join("0"), &to]);
    assert_eq!(output.status.code(), Some(1));
    let sheet = Sheet::load(&to, 6);
    for index in 0..12 {
        assert!(sheet.square(index) == sheet.square(0));
        all(&sheet.cell(index, 0..SIZE, 0..4), FAILED);
    }
}

fn refuses_what_makes_no_sense() {
    let root = tempfile::tempdir().unwrap();
    let [from, to] = ["in", "sheet.png"].map(|name| root.path().join(name));
    folder(&from, ["a.png"]);
    let cpu = Device::cpu();
    let cases: [(&[&str], &str); 6] = [
        (&["--columns=0"], "--columns: "),
        (&["--size=31"], "--size: 31 is not 32 to 4096"),
        (&["--size=big"], "--size: "),
        (&["--threads=0"], "--threads: "),
        (&["--frobnicate"], "--frobnicate"),
        (&["more"], "one FOLDER and one OUTPUT"),
    ];
    let misused = |run: &Output, cause: &str| {
        let message = text(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{message}");
        assert!(message.contains(cause), "{message}");
        assert!(message.contains("Usage: contact_sheet"), "{message}");
    };
    for (args, cause) in cases {
        misused(&run(&cpu, args, [&from, &to]), cause);
        assert!(!to.exists(), "{args:?}");
    }
    misused(
        &run(&cpu, &[], [&from, &root.path().join("a.docx")]),
        "cannot save ",
    );
    let before = files(&from);
    let inside = from.join("../in/a.png");
    misused(&run(&cpu, &[], [&from, &inside]), "would be replaced");
    assert_eq!(files(&from), before);

    let empty = root.path().join("empty");
    fs::create_dir(&empty).unwrap();
    fs::write(empty.join("notes.txt"), "no picture").unwrap();
    for (folder, cause) in [(&empty, "there are no pictures here"), (&to, "")] {
        let run = run(&cpu, &[], [folder, &to]);
        assert_eq!(run.status.code(), Some(1));
        let message = text(&run.stderr);
        assert_eq!(message.lines().count(), 1, "{message}");
        let beginning = format!("contact_sheet: {}: {cause}", folder.display());
        assert!(message.starts_with(&beginning), "{message}");
        assert!(!to.exists());
    }
    let help = program("contact_sheet").arg("--help").output().unwrap();
    assert!(help.status.success() && text(&help.stdout).starts_with("Usage: contact_sheet"));
}
