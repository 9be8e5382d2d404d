//! Damage: the engines against the host.

use super::{
    super::super::boxes::{boxes, spans},
    file,
    made::{Made, Numbers},
};
use crate::{
    Device, ErrorKind, Format, LoadOptions, codec::tests::engines::compare_damaged,
    device::video::test_gpu,
};
use libheif_rs::CompressionFormat;

/// `file` with damage: bits, bytes, zeros to the end, or the end missing.
fn damaged(file: &[u8], seed: u64) -> Vec<u8> {
    let mut n = Numbers::new(seed);
    let mut file = file.to_vec();
    // Mostly in the coded data, which are last.
    let first = if n.one_in(4) { 0 } else { file.len() / 2 };
    let at = n.between(first as u32, file.len() as u32 - 1) as usize;
    match n.below(8) {
        0..=3 => file[at] ^= 1 << n.below(8),
        4 => {
            let end = file.len().min(at + 24);
            file[at..end]
                .iter_mut()
                .for_each(|byte| *byte = n.below(256) as u8);
        }
        5 => file[at..].fill(0),
        _ => file.truncate(at),
    }
    file
}

/// An error is the host's, and nothing hangs.
#[test]
fn engines_leave_damage_to_the_host() {
    if test_gpu().is_none() {
        return;
    }
    let files: Vec<_> = (1000..)
        .map(Made::new)
        .filter(|made| made.is_for_engines() && made.size[0] * made.size[1] < 100_000)
        .filter(|made| made.tiles.is_none_or(|[columns, rows]| columns * rows < 7))
        .take(24)
        .map(|made| made.file())
        .collect();
    let damaged = |number: usize| damaged(&files[number % files.len()], number as u64);
    if let Some(outcomes) = compare_damaged(damaged) {
        assert_eq!(outcomes.unseen, 0);
        let read = outcomes.same + outcomes.other;
        assert!(outcomes.other * 20 <= read, "{outcomes:?}");
    }
}

/// The places of the lengths of all boxes, those in other boxes too.
fn lengths(file: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut parts = vec![(0, file)];
    while let Some((start, part)) = parts.pop() {
        for span in spans(part) {
            places.push(start + span.start);
            // The boxes in it follow its version, a count, or nothing.
            let skipped = match span.kind {
                b"meta" | b"iref" => 4,
                b"iinf" => 6,
                b"iprp" | b"ipco" => 0,
                _ => continue,
            };
            let body = span.body + skipped;
            parts.push((start + body, &part[body..span.end]));
        }
    }
    places
}

/// `file` with a damage that readers of boxes feel: another length, a part that is missing or there twice, a cut.
fn broken(file: &[u8], lengths: &[usize], seed: u64) -> Vec<u8> {
    let mut n = Numbers::new(seed);
    let mut file = file.to_vec();
    let length = file.len() as u32;
    let at = lengths[n.below(lengths.len() as u32) as usize];
    let near = (at + n.below(40) as usize).min(file.len() - 1);
    match n.below(8) {
        0..=2 => {
            let stated = u32::from_be_bytes(*file[at..].first_chunk().unwrap());
            let others = [
                0,
                1,
                7,
                8,
                u32::MAX,
                stated ^ 1 << n.below(8),
                n.below(length),
            ];
            let other = others[n.below(7) as usize];
            file[at..at + 4].copy_from_slice(&other.to_be_bytes());
        }
        3 | 4 => file[near] ^= 1 << n.below(8),
        5 => {
            file.drain(near..file.len().min(near + 1 + n.below(30) as usize));
        }
        6 => {
            let twice = file[near..file.len().min(near + 1 + n.below(30) as usize)].to_vec();
            file.splice(near..near, twice);
        }
        _ => file.truncate(n.below(length) as usize),
    }
    file
}

#[test]
fn lengths_are_those_of_boxes() {
    let file = file(CompressionFormat::Hevc, "420", (64, 64));
    let places = lengths(&file);
    let kinds: Vec<_> = places.iter().map(|at| &file[at + 4..at + 8]).collect();
    for kind in [
        b"ftyp", b"meta", b"infe", b"iloc", b"ispe", b"hvcC", b"ipma",
    ] {
        assert!(kinds.contains(&&kind[..]), "{kinds:?}");
    }
    assert!(places.len() > boxes(&file).count() + 8);
}

/// What a damaged file is: a picture within the limits, or an error that is about the file.
fn outcome(file: &[u8], format: Format, is_tolerant: bool) -> Option<(u32, u32)> {
    let options = LoadOptions::new()
        .format(format)
        .max_pixels(1 << 21)
        .max_bytes(1 << 24)
        .allow_truncated(is_tolerant);
    match options.decode(&Device::cpu(), file) {
        Ok(image) => {
            let pixels = image.pixels().unwrap();
            assert!(
                pixels
                    .iter()
                    .all(|pixel| pixel.0.iter().all(|c| c.is_finite()))
            );
            Some((image.width(), image.height()))
        }
        Err(error) => {
            let is_about_the_file = matches!(
                error.kind(),
                ErrorKind::Decode(_) | ErrorKind::Unsupported(_) | ErrorKind::LimitExceeded { .. }
            );
            assert!(is_about_the_file, "{error:?}");
            None
        }
    }
}

/// Files of all kinds, each damaged in many ways. Whoever takes damage takes what is whole, to the same size.
#[test]
fn damaged_files_of_every_kind_are_pictures_or_errors() {
    let mut files = Made::of_every_kind();
    files.extend(["420", "444"].map(|chroma| file(CompressionFormat::Av1, chroma, (70, 50))));
    let (mut pictures, mut errors) = (0, 0);
    for (kind, file) in files.iter().enumerate() {
        let format = Format::sniff(file).unwrap();
        let lengths = lengths(file);
        let whole = outcome(file, format, false);
        assert!(
            whole.is_some() && whole == outcome(file, format, true),
            "{kind}"
        );
        for seed in 0..32 {
            let seed = (kind as u64) << 8 | seed;
            let damaged = match seed % 4 {
                0 => damaged(file, seed),
                _ => broken(file, &lengths, seed),
            };
            let strict = outcome(&damaged, format, false);
            let tolerant = outcome(&damaged, format, true);
            assert!(strict.is_none() || strict == tolerant, "{kind}, {seed}");
            match strict {
                Some(_) => pictures += 1,
                None => errors += 1,
            }
        }
    }
    println!(
        "{} files: {pictures} pictures, {errors} errors",
        files.len()
    );
    assert!(pictures > 60 && errors > 60, "{pictures}, {errors}");
}
