//! The example `batch`, killed while it saves.

use super::{batch::batch, files, picture, program, text};
use crate::support::Noise;
use imagecuda::{Device, Format, SaveOptions};
use std::{collections::BTreeSet, fs, process::Stdio, thread};

/// What a program that is killed may leave behind.
fn is_temporary(name: &str) -> bool {
    name.starts_with(".imagecuda-")
}

pub(super) fn leaves_whole_files(device: &Device) {
    const COUNT: usize = 60;
    let root = tempfile::tempdir().unwrap();
    let [from, whole, to] = ["in", "whole", "out"].map(|name| root.path().join(name));
    fs::create_dir_all(&from).unwrap();
    for i in 0..COUNT {
        let file = SaveOptions::new().encode(&picture(i as u64, 320, 240), Format::Jpeg);
        fs::write(from.join(format!("{i:02}.jpg")), file.unwrap()).unwrap();
    }
    // What an earlier run has left is no picture, wherever it lies.
    fs::copy(from.join("00.jpg"), from.join(".imagecuda-left")).unwrap();
    let run = batch(device, &["--format=webp"], [&from, &whole]);
    assert!(run.status.success(), "{}", text(&run.stderr));

    let mut noise = Noise::new(7);
    let (mut stopped, mut left) = (0, 0);
    for round in 0..8 {
        let mut child = program("batch")
            .args(["--device", &device.to_string(), "--threads=2"])
            .args(["--format=webp", "--resume"])
            .args([&from, &to])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Once some number of files is there: none, those of the rounds before, or more.
        let enough = noise.next() as usize % COUNT;
        while files(&to).len() < enough && child.try_wait().unwrap().is_none() {
            thread::yield_now();
        }
        child.kill().unwrap(); // SIGKILL
        stopped += usize::from(!child.wait().unwrap().success());

        let there = files(&to);
        let (temporary, saved): (Vec<_>, Vec<_>) =
            there.iter().partition(|name| is_temporary(name));
        left = left.max(temporary.len());
        for name in &saved {
            let [part, all] = [&to, &whole].map(|folder| fs::read(folder.join(name)).unwrap());
            assert!(part == all, "{name} in round {round}");
        }
        // From the start again, where there is little left to do.
        if saved.len() > COUNT * 3 / 4 {
            fs::remove_dir_all(&to).unwrap();
        }
    }
    assert!(stopped > 0, "none was killed before its end");

    let run = batch(device, &["--format=webp", "--resume"], [&from, &to]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let mut there = files(&to);
    there.retain(|name| !is_temporary(name));
    let expected: BTreeSet<_> = files(&whole);
    assert_eq!(there, expected);
    for name in expected {
        let [part, all] = [&to, &whole].map(|folder| fs::read(folder.join(&name)).unwrap());
        assert!(part == all, "{name}");
    }
    // One a thread that encodes, each time.
    assert!(left <= 2 * 8, "{left} temporary files");
}
