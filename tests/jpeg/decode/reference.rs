//! Whether the reference is libjpeg-turbo: `IMAGECUDA_TEST_DJPEG` is the path of its program
//! `djpeg`, of version 2.1 or later.

use super::{PARTS, files, seeds};
use crate::support::{
    jpegs::{self, Picture, difference, reference},
    pictures::folder,
};
use libtest_mimic::{Failed, Trial};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

pub(super) fn trials() -> Vec<Trial> {
    let Some(djpeg) = env::var_os("IMAGECUDA_TEST_DJPEG").map(PathBuf::from) else {
        return Vec::new();
    };
    let mut trials = Vec::new();
    for (name, path) in files() {
        // Blocks of damaged progressive files are smoothed there.
        if name.starts_with("bad/") {
            continue;
        }
        let djpeg = djpeg.clone();
        let check = move || Ok(as_djpeg(&djpeg, &path, false)?);
        trials.push(Trial::test(format!("cpu::jpeg::reference::{name}"), check));
    }
    for part in 0..PARTS {
        let djpeg = djpeg.clone();
        let check = move || made_as_djpeg(&djpeg, part);
        trials.push(Trial::test(
            format!("cpu::jpeg::reference::made::{part}"),
            check,
        ));
    }
    trials
}

/// Whether the reference is what libjpeg-turbo's own program makes of a file, without a warning
/// if it is `sound`.
fn as_djpeg(djpeg: &Path, file: &Path, sound: bool) -> Result<(), String> {
    let output = Command::new(djpeg)
        .args(["-dct", "int", "-pnm"])
        .arg(file)
        .output()
        .map_err(|error| error.to_string())?;
    if sound && !output.stderr.is_empty() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let expected = fs::read(file).map(|file| reference(&file)).unwrap();
    let Some(expected) = expected else {
        return match output.stdout.is_empty() {
            true => Ok(()),
            false => Err("djpeg takes it".into()),
        };
    };
    let lines: Vec<&[u8]> = output.stdout.splitn(4, |&b| b == b'\n').collect();
    let &[kind, _, _, samples] = &lines[..] else {
        return Err("djpeg refuses it".into());
    };
    let rgba = match kind {
        b"P5" => samples.iter().flat_map(|&v| [v, v, v, 255]).collect(),
        _ => {
            let pixels = samples.as_chunks().0.iter();
            pixels.flat_map(|&[r, g, b]| [r, g, b, 255]).collect()
        }
    };
    let size = [expected.width, expected.height];
    // It takes all CMYK for Adobe's.
    difference(&expected.picture(), &Picture { size, rgba }).map_or(Ok(()), Err)
}

fn made_as_djpeg(djpeg: &Path, part: u64) -> Result<(), Failed> {
    let folder = folder();
    let path = folder.path().join("a.jpg");
    for seed in seeds(part) {
        let jpeg = jpegs::random(seed);
        fs::write(&path, &jpeg.bytes)?;
        // Data in front of the end, none there, and CMYK by an odd transform are worth a warning.
        let odd = ["tail: true", "endless: true", "Adobe(1, 4)"];
        let sound = !odd.iter().any(|odd| jpeg.what.contains(odd));
        as_djpeg(djpeg, &path, sound)
            .map_err(|error| format!("seed {seed}: {error}: {}", jpeg.what))?;
    }
    Ok(())
}
