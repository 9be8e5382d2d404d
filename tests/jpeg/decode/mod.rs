//! JPEG: the pixels are libjpeg-turbo's, bit for bit, on every device and with every decoder.
//!
//! `IMAGECUDA_TEST_JPEGS` is how many made files are tried, and how many damages of each file;
//! `IMAGECUDA_TEST_JPEG_SEED` is the only one tried.

mod damage;
mod large;
mod rare;
mod reference;
mod scripts;

use self::large::large_files_have_the_same_pixels;
use self::rare::{heights_behind_the_first_scan, rare_kinds_are_exact};
use crate::support::{
    corpus, gpu_is_missing,
    jpegs::{self, Jpeg, Picture, difference, reference},
};
use imagecuda::{ColorPolicy, Device, JpegDecoder, LoadOptions, Result};
use libtest_mimic::{Failed, Trial};
use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};

/// What a decoder made of a file, and whether that is all of it.
struct Found {
    picture: Picture,
    truncated: bool,
}

fn options(decoder: JpegDecoder) -> LoadOptions {
    LoadOptions::new()
        .format(imagecuda::Format::Jpeg)
        .jpeg_decoder(decoder)
        .color_policy(ColorPolicy::Raw)
        .apply_orientation(false)
}

fn decode(
    device: &Device,
    file: &[u8],
    decoder: JpegDecoder,
    tolerant: bool,
    most: u64,
) -> Result<Found> {
    let options = options(decoder).max_pixels(most).allow_truncated(tolerant);
    let decoded = options.open_bytes(device, file)?;
    let truncated = decoded.is_truncated();
    let image = decoded.into_image_u8()?;
    let size = [image.width(), image.height()].map(|n| n as usize);
    let rgba = image.download()?;
    Ok(Found {
        picture: Picture { size, rgba },
        truncated,
    })
}

/// All of them: what the kernels do not take, the host decodes for them.
const DECODERS: [JpegDecoder; 2] = [JpegDecoder::Host, JpegDecoder::Kernels];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        large_files_have_the_same_pixels,
        a_flat_picture_is_exact,
        crowded_pictures_are_exact,
        other_encoders_files_are_exact,
        long_thin_pictures_are_exact,
        a_cut_picture_is_as_libjpeg_leaves_it,
        rare_kinds_are_exact,
        heights_behind_the_first_scan,
    ]);
    for (name, test) in [
        ("a_difference_is_noticed", a_difference_is_noticed as fn()),
        ("scans_are_no_matter_to_the_reference", scans_are_no_matter),
    ] {
        trials.push(Trial::test(format!("cpu::jpeg::{name}"), move || {
            test();
            Ok(())
        }));
    }
    for part in 0..PARTS {
        on_devices(&mut trials, format!("jpeg::made::{part}"), move |device| {
            let wrong = |seed| {
                // A panic, too, is to come with its seed.
                let found = catch_unwind(AssertUnwindSafe(|| exact(device, &jpegs::random(seed))));
                let found = found.unwrap_or_else(|_| Err("a panic".to_owned()));
                Some((seed, found.err()?))
            };
            let wrong: Vec<_> = seeds(part).filter_map(wrong).collect();
            let Some((seed, error)) = wrong.first() else {
                return Ok(());
            };
            let all: Vec<_> = wrong.iter().map(|wrong| wrong.0).collect();
            Err(format!("seed {seed}: {error}\nall seeds that fail: {all:?}").into())
        });
        on_devices(
            &mut trials,
            format!("jpeg::damage::made::{part}"),
            move |device| {
                let jpeg = jpegs::random(1_000_000 + part);
                damage::check(device, jpeg.bytes, jpeg.what)
            },
        );
    }
    for (number, rare) in jpegs::RARE.iter().enumerate() {
        let name = format!("jpeg::damage::rare::{number}");
        on_devices(&mut trials, name, move |device| {
            damage::check(device, rare.bytes(), rare.what.to_owned())
        });
    }
    trials.extend(scripts::trials());
    trials.extend(trials_of_the_corpus());
    trials.extend(reference::trials());
    trials
}

fn trials_of_the_corpus() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, path) in files() {
        let file = path.clone();
        let bad = name.starts_with("bad/");
        on_devices(
            &mut trials,
            format!("jpeg::corpus::{name}"),
            move |device| {
                let bytes = fs::read(&file)?;
                exact_or_bad(device, bytes, bad)
            },
        );
        if fs::metadata(&path).is_ok_and(|file| file.len() < 16_000) {
            let path = path.clone();
            on_devices(
                &mut trials,
                format!("jpeg::damage::{name}"),
                move |device| damage::check(device, fs::read(&path)?, String::new()),
            );
        }
    }
    trials
}

/// A part of the seeds of the made files.
fn seeds(part: u64) -> impl Iterator<Item = u64> {
    let seeds = match variable("IMAGECUDA_TEST_JPEG_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("IMAGECUDA_TEST_JPEGS").unwrap_or(MADE),
    };
    seeds.filter(move |seed| seed % PARTS == part)
}

/// How many trials share the made files.
const PARTS: u64 = 8;
/// How many files are made by default.
const MADE: u64 = 800;

/// How many made files are cut.
const CUT: u64 = 40;
/// The pixels that a file may have, and a damaged one.
const LARGE: u64 = 1 << 25;
const SMALL: u64 = 1 << 19;

fn variable(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().expect("a number"))
}

fn on_devices(
    trials: &mut Vec<Trial>,
    name: String,
    body: impl Fn(&Device) -> Result<(), Failed> + Send + Clone + 'static,
) {
    let on_gpu = body.clone();
    trials.push(Trial::test(format!("cpu::{name}"), move || {
        body(&Device::cpu())
    }));
    let on_gpu = move || on_gpu(&Device::cuda(0).map_err(|error| error.to_string())?);
    trials.push(Trial::test(format!("cuda::{name}"), on_gpu).with_ignored_flag(gpu_is_missing()));
}

/// The corpus's JPEG files, with their names in it.
fn files() -> Vec<(String, PathBuf)> {
    let Some(corpus) = corpus() else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for folder in fs::read_dir(&corpus).unwrap() {
        let Ok(entries) = fs::read_dir(folder.unwrap().path()) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            let kind = path.extension().unwrap_or_default().to_ascii_lowercase();
            if kind == "jpg" || kind == "jpeg" {
                let name = path.strip_prefix(&corpus).unwrap().display().to_string();
                files.push((name.replace('\\', "/"), path));
            }
        }
    }
    files.sort();
    files
}

/// Whether all decoders give the reference's pixels.
fn exact(device: &Device, jpeg: &Jpeg) -> Result<(), String> {
    let Jpeg { bytes, what } = jpeg;
    let Some(expected) = reference(bytes) else {
        return Err(format!("libjpeg refuses {what}"));
    };
    let expected = expected.picture();
    for decoder in DECODERS {
        let fail = |error: String| format!("{decoder:?}: {error}: {what}");
        let found = decode(device, bytes, decoder, false, LARGE);
        let found = found.map_err(|error| fail(error.to_string()))?;
        if let Some(difference) = difference(&found.picture, &expected) {
            return Err(fail(difference));
        }
        floats(device, bytes, decoder, &found.picture).map_err(fail)?;
    }
    Ok(())
}

/// Whether a small picture as floats is what it is as bytes.
fn floats(
    device: &Device,
    file: &[u8],
    decoder: JpegDecoder,
    found: &Picture,
) -> Result<(), String> {
    if found.rgba.len() > 40_000 {
        return Ok(());
    }
    let image = options(decoder).decode(device, file);
    let image = image.and_then(|image| image.download());
    let image = image.map_err(|error| error.to_string())?;
    // As is documented; CMYK gives more than bytes can say.
    let byte = |v: &f32| (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    match image.iter().map(byte).eq(found.rgba.iter().copied()) {
        true => Ok(()),
        false => Err("floats are not what bytes are".to_owned()),
    }
}

/// As [`exact`], but of what libjpeg refuses nothing is said, and what is listed as bad, where
/// libjpeg has to guess, may be refused.
fn exact_or_bad(device: &Device, bytes: Vec<u8>, bad: bool) -> Result<(), Failed> {
    let refused = || decode(device, &bytes, JpegDecoder::Host, false, LARGE).is_err();
    if reference(&bytes).is_none() || bad && refused() {
        return Ok(());
    }
    let what = String::new();
    Ok(exact(device, &Jpeg { bytes, what })?)
}

fn a_flat_picture_is_exact(device: &Device) {
    exact(device, &jpegs::flat([2048, 2048], 0xc0)).unwrap();
    // More blocks than one symbol can end.
    for size in [[700, 500], [2048, 2048], [1, 65_500], [65_500, 41]] {
        exact(device, &jpegs::flat(size, 0xc2)).unwrap();
        exact(device, &jpegs::flat_and_refined(size)).unwrap();
    }
}

/// Right decoders for which there is no room are missed.
fn crowded_pictures_are_exact(device: &Device) {
    for (side, restart) in [(16, 0), (16, 1), (64, 0), (256, 1), (256, 3), (256, 0)] {
        exact(device, &jpegs::crowded(side, restart)).unwrap();
    }
}

fn long_thin_pictures_are_exact(device: &Device) {
    for size in [[1, 2000], [65_500, 1], [3, 65_500], [65_500, 3]] {
        exact(device, &jpegs::flat(size, 0xc0)).unwrap();
    }
}

fn other_encoders_files_are_exact(device: &Device) {
    for jpeg in jpegs::encoded() {
        exact(device, &jpeg).unwrap();
    }
}

/// The comparison itself: one sample that is off by one is found.
fn a_difference_is_noticed() {
    let jpeg = jpegs::random(3);
    let expected = reference(&jpeg.bytes).unwrap().picture();
    for at in [0, expected.rgba.len() / 2, expected.rgba.len() - 1] {
        let mut rgba = expected.rgba.clone();
        rgba[at] ^= 1;
        let got = Picture {
            size: expected.size,
            rgba,
        };
        let text = difference(&got, &expected).unwrap();
        let (x, y) = (at / 4 % got.size[0], at / 4 / got.size[0]);
        assert!(text.contains(&format!("at {x},{y}, expected")), "{text}");
        assert!(
            text.contains("; 1 of ") && text.ends_with("by 1 at most"),
            "{text}"
        );
    }
    let size = [expected.size[1] + 1, expected.size[0]];
    let rgba = expected.rgba.clone();
    assert!(difference(&Picture { size, rgba }, &expected).is_some());
    // Nor does the reference take another picture's data for this one's.
    let other = reference(&jpegs::random(4).bytes).unwrap().picture();
    assert!(difference(&other, &expected).is_some());
    assert!(reference(b"\xff\xd8\xff\xd9").is_none() && reference(b"").is_none());
}

/// The writer of the made files: what it says in one way and in another is the same.
fn scans_are_no_matter() {
    for seed in 0..100 {
        let [a, b] = jpegs::pair(seed).map(|file| reference(&file).unwrap().picture());
        assert_eq!(difference(&a, &b), None, "seed {seed}");
    }
}

fn a_cut_picture_is_as_libjpeg_leaves_it(device: &Device) {
    let mut compared = 0;
    for seed in 0..CUT {
        match cuts(device, &jpegs::soft(seed)) {
            Ok(count) => compared += count,
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    assert!(compared > CUT * 10, "{compared}");
}

/// Cuts of an intact file, where the host's decoder is to leave what libjpeg leaves. How many
/// there was something to compare of.
fn cuts(device: &Device, jpeg: &Jpeg) -> Result<u64, String> {
    let mut count = 0;
    let Jpeg { bytes, what } = jpeg;
    let start = jpegs::first_scan(bytes).unwrap();
    let step = (bytes.len() - start).div_ceil(20).max(1);
    for keep in (start..bytes.len()).step_by(step) {
        let cut = &bytes[..keep];
        // Nothing at all may be an error; and libjpeg refuses what ends within a table.
        let found = decode(device, cut, JpegDecoder::Host, true, LARGE);
        let (Ok(found), Some(expected)) = (found, reference(cut)) else {
            continue;
        };
        count += 1;
        let expected = expected.picture();
        if let Some(difference) = difference(&found.picture, &expected) {
            return Err(format!(
                "{keep} of {} bytes: {difference}: {what}",
                bytes.len()
            ));
        }
    }
    Ok(count)
}
