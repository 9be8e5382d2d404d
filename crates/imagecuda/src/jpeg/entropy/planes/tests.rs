//! Compares this decoder with the plain one.

use super::{super::one_by_one, Choice, Data, Decoder, coefficients, starts::Positions};
use crate::{
    Result,
    jpeg::{file::File, markers},
};
use imagecuda_kernels::jpeg::progressive::{
    Start,
    cpu_emulation::{self, EmulatedScan},
};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use mozjpeg::{ColorSpace, Compress};
use std::sync::Mutex;

fn noise(state: &mut u64) -> usize {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1);
    (*state >> 33) as usize
}

/// Waves with enough noise that all coefficients occur.
fn samples([width, height]: [usize; 2], channels: usize, rough: usize) -> Vec<u8> {
    let mut state = (width * height + rough) as u64;
    let sample = |i: usize| {
        let (x, y, c) = (i / channels % width, i / channels / width, i % channels);
        let wave = ((x * (c + 1)) as f32 / 9.0).sin() + (y as f32 / (5.0 + c as f32)).cos();
        (wave * 40.0 + 90.0) as u8 + (noise(&mut state) % rough) as u8
    };
    (0..width * height * channels).map(sample).collect()
}

/// Files of two encoders with several scripts.
fn files() -> Vec<Vec<u8>> {
    use ColorType::{CmykAsYcck, Luma, Rgb};
    use SamplingFactor::{R_4_1_1, R_4_2_0, R_4_2_2, R_4_4_0, R_4_4_4};
    let size = [83, 61];
    let mut files = Vec::new();
    for (i, sampling) in [R_4_4_4, R_4_2_0, R_4_2_2, R_4_4_0, R_4_1_1]
        .into_iter()
        .enumerate()
    {
        for (k, (color, channels)) in [(Luma, 1), (Rgb, 3), (CmykAsYcck, 4)]
            .into_iter()
            .enumerate()
        {
            let mut file = Vec::new();
            let mut encoder = Encoder::new(&mut file, 40 + 25 * k as u8);
            encoder.set_progressive(true);
            encoder.set_progressive_scans(3 + 4 * i as u8);
            encoder.set_sampling_factor(sampling);
            encoder.set_restart_interval([0, 3, 11][(i + k) % 3]);
            let data = samples(size, channels, 2 + 30 * k);
            encoder.encode(&data, 83, 61, color).unwrap();
            files.push(file);
            for rough in [1, 70] {
                files.push(of_mozjpeg(
                    size,
                    channels,
                    [1 + i % 2, 1 + i / 2 % 2],
                    rough,
                ));
            }
        }
    }
    files
}

/// A script with refinements, like libjpeg's.
fn of_mozjpeg(size: [usize; 2], channels: usize, factors: [usize; 2], rough: usize) -> Vec<u8> {
    let (from, to) = match channels {
        1 => (ColorSpace::JCS_GRAYSCALE, ColorSpace::JCS_GRAYSCALE),
        3 => (ColorSpace::JCS_RGB, ColorSpace::JCS_YCbCr),
        _ => (ColorSpace::JCS_CMYK, ColorSpace::JCS_YCCK),
    };
    let mut encoder = Compress::new(from);
    encoder.set_size(size[0], size[1]);
    encoder.set_fastest_defaults();
    encoder.set_color_space(to);
    encoder.set_progressive_mode();
    encoder.set_quality(92.0);
    if channels > 1 {
        for (i, component) in encoder.components_mut().iter_mut().enumerate() {
            let [h, v] = if i == 0 { factors } else { [1, 1] };
            [component.h_samp_factor, component.v_samp_factor] = [h, v].map(|n| n as i32);
        }
    }
    let mut encoder = encoder.start_compress(Vec::new()).unwrap();
    encoder
        .write_scanlines(&samples(size, channels, rough))
        .unwrap();
    encoder.finish().unwrap()
}

fn plain(file: &File, bytes: &[u8], damaged: bool) -> Result<Vec<i16>> {
    let mut out = vec![0; file.picture.blocks() * 64];
    one_by_one(file, bytes, damaged, &mut out)?;
    Ok(out)
}

/// Decodes with other functions, bands and threads.
fn by(choice: Choice, step: usize, threads: usize, file: &File, bytes: &[u8]) -> Option<Vec<i16>> {
    // Anything but what is right.
    let mut memory = vec![0x5a; Data::room(file)?];
    let data = Data::of(file, bytes, &mut memory)?;
    let mut decoder = Decoder::new(file, &data, step)?;
    decoder.choice = choice;
    let out = Mutex::new(vec![[0; 64]; file.picture.blocks()]);
    let finish = |decoder: &Decoder<'_>, band| {
        for row in decoder.rows(band) {
            for (index, component) in file.picture.parts().iter().enumerate() {
                let blocks = (component.v * component.blocks_x) as usize;
                let start = component.first_block as usize + row * blocks;
                decoder.blocks(index, row, &mut out.lock().unwrap()[start..start + blocks])?;
            }
        }
        Some(())
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    match threads {
        0 => decoder.one_by_one(finish)?,
        _ => pool
            .build()
            .unwrap()
            .install(|| decoder.shared(|band| finish(&decoder, band)))?,
    }
    Some(out.into_inner().unwrap().as_flattened().to_vec())
}

/// Finds where blocks begin, and decodes from there as kernels do.
fn by_starts(choice: Choice, step: usize, file: &File, bytes: &[u8]) -> Option<Vec<i16>> {
    let positions = Positions::of(file, bytes)?;
    let scans: Vec<_> = positions.scans().collect();
    // Anything but what is right.
    let mut dc = vec![77; file.picture.blocks()];
    let wrong = Start::new(1 << 30, true);
    let mut starts: Vec<_> = scans.iter().map(|scan| vec![wrong; scan.blocks]).collect();
    let mut memory = vec![0x5a; positions.room()];
    let unstuffed = positions.unstuffed(&mut memory)?;
    let mut decoder = Decoder::build(file, &unstuffed, step, true)?;
    decoder.choice = choice;
    let to = starts.iter_mut().map(|starts| &mut starts[..]).collect();
    Positions::find_by(decoder, step % 2 == 1, &mut dc, to)?;
    let data: Vec<_> = scans.iter().map(|scan| scan.words(&memory)).collect();
    let symbols: Vec<_> = scans.iter().map(|scan| scan.symbols()).collect();
    let mut nonzero = [const { Vec::new() }; 4];
    for (i, scan) in scans.iter().enumerate() {
        let nonzero = &mut nonzero[scan.component];
        nonzero.resize(scan.blocks, 0);
        let bits = 32 * data[i].len() as u32;
        let of = (&data[i][..], bits);
        let found = imagecuda_kernels::jpeg::progressive::positions::cpu_emulation::positions(
            scan.band, &symbols[i], of, nonzero,
        );
        if file.scans.iter().any(|scan| scan.restart_interval > 0) {
            continue;
        }
        let found = found.unwrap();
        for (k, (a, b)) in found.iter().zip(&starts[i]).enumerate() {
            assert!(a.is_ended() == b.is_ended() && (a.bit() == b.bit() || a.is_ended() && scan.band.refines == 0), "scan {i} {:?} block {k} {a:?} {b:?}", scan.band);
        }
    }
    let emulated: Vec<_> = (0..scans.len())
        .map(|i| EmulatedScan {
            component: scans[i].component,
            data: &data[i],
            starts: &starts[i],
            symbols: &symbols[i],
            band: scans[i].band,
        })
        .collect();
    let mut out = vec![[7; 64]; file.picture.blocks()];
    cpu_emulation::blocks(&file.picture, &dc, &emulated, &mut out);
    Some(out.as_flattened().to_vec())
}

#[test]
fn coefficients_are_those_of_the_plain_decoder() {
    for (number, bytes) in files().iter().enumerate() {
        let file = markers::parse(bytes, false).unwrap();
        let expected = plain(&file, bytes, false).unwrap();
        let mut found = vec![[7; 64]; file.picture.blocks()];
        coefficients(&file, bytes, &mut found).unwrap();
        assert!(found.as_flattened() == expected, "{number}");
        for choice in Choice::all() {
            for (step, threads) in [(1, 0), (3, 0), (100, 0), (1, 1), (2, 3)] {
                let found = by(choice, step, threads, &file, bytes);
                assert!(
                    found.unwrap() == expected,
                    "{number} {choice:?} {step} {threads}"
                );
            }
            for step in [1, 2, 3, 100] {
                let found = by_starts(choice, step, &file, bytes);
                assert!(found.unwrap() == expected, "{number} {choice:?} {step}");
            }
        }
    }
}

/// A file that ends after any of its scans is a file too.
#[test]
fn scans_may_be_missing() {
    for bytes in files() {
        let ends: Vec<usize> = markers::parse(&bytes, false)
            .unwrap()
            .scans
            .iter()
            .map(|scan| scan.data.end)
            .collect();
        for end in ends {
            let cut = [&bytes[..end], &[0xff, 0xd9]].concat();
            let file = markers::parse(&cut, true).unwrap();
            let expected = plain(&file, &cut, true).unwrap();
            for choice in Choice::all() {
                assert!(by(choice, 2, 0, &file, &cut).unwrap() == expected);
                assert!(by_starts(choice, 2, &file, &cut).unwrap() == expected);
            }
        }
    }
}

/// Checks a file that was changed: this decoder refuses it, or the plain decoder reads it without
/// an error and to the same coefficients.
#[test]
fn damage_is_the_plain_decoders() {
    let (mut refused, mut taken) = (0, 0);
    let mut state = 1;
    for bytes in files() {
        let start = markers::parse(&bytes, false).unwrap().scans[0].data.start;
        for round in 0..60 {
            let mut bad = bytes.clone();
            let from = if round % 4 == 0 { 0 } else { start };
            for _ in 0..1 + round % 3 {
                let at = from + noise(&mut state) % (bad.len() - from);
                match round % 6 {
                    0 => bad.truncate(at.max(start)),
                    1 => drop(bad.drain(at..(at + 1 + noise(&mut state) % 8).min(bad.len()))),
                    2 => bad.insert(at, noise(&mut state) as u8),
                    3 => bad
                        .splice(at..at, [0xff, 0xd0 + noise(&mut state) as u8 % 8])
                        .for_each(drop),
                    _ => bad[at] ^= 1 << (noise(&mut state) % 8),
                }
            }
            let Ok(file) = markers::parse(&bad, true) else {
                continue;
            };
            if file.picture.pixels() > 1 << 18 {
                continue;
            }
            let found = by(Choice::best(), 2, 0, &file, &bad);
            for choice in Choice::all() {
                assert!(found == by(choice, 1, 2, &file, &bad));
                assert!(found == by_starts(choice, 1, &file, &bad));
            }
            match found {
                Some(found) => assert!(found == plain(&file, &bad, false).unwrap()),
                None => refused += 1,
            }
            taken += 1;
        }
    }
    assert!(
        refused > 500 && taken - refused > 100,
        "{refused} of {taken}"
    );
}

#[test]
fn dump_for_harness() {
    let Ok(path) = std::env::var("DUMP_FROM") else { return };
    let bytes = std::fs::read(path).unwrap();
    let file = markers::parse(&bytes, false).unwrap();
    let positions = Positions::of(&file, &bytes).unwrap();
    let scans: Vec<_> = positions.scans().collect();
    let mut dc = vec![77; file.picture.blocks()];
    let mut starts: Vec<_> = scans.iter().map(|scan| vec![Start::new(0, false); scan.blocks]).collect();
    let mut memory = vec![0; positions.room()];
    let to = starts.iter_mut().map(|starts| &mut starts[..]).collect();
    positions.find(&mut memory, &mut dc, to).unwrap();
    let mut out: Vec<u32> = vec![scans.len() as u32];
    for (scan, starts) in scans.iter().zip(&starts) {
        let words = scan.words(&memory);
        let symbols = scan.symbols();
        let b = scan.band;
        out.extend([scan.component as u32, b.first, b.last, b.low, b.refines, 32 * words.len() as u32, scan.blocks as u32]);
        out.extend(bytemuck::cast_slice::<_, u32>(bytemuck::bytes_of(&symbols)));
        out.extend(words);
        out.extend(bytemuck::cast_slice::<_, u32>(starts));
    }
    std::fs::write(std::env::var("DUMP_TO").unwrap(), bytemuck::cast_slice::<_, u8>(&out)).unwrap();
}
