//! Compares this decoder with the plain one.

use super::{super::one_by_one, Choice, Data, Decoder, coefficients, starts::Positions};
use crate::{
    Result,
    jpeg::{file::File, markers},
};
use imagecuda_kernels::jpeg::progressive::{
    Start,
    cpu_emulation::{self, EmulatedScan},
    positions::cpu_emulation::positions as positions_by_kernel,
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
    Some(blocks(file, &positions, &memory, &dc, &starts))
}

/// All blocks, decoded from where they begin, as a kernel does it.
fn blocks(
    file: &File,
    positions: &Positions<'_>,
    memory: &[u8],
    dc: &[i16],
    starts: &[Vec<Start>],
) -> Vec<i16> {
    let scans: Vec<_> = positions.scans().collect();
    let data: Vec<_> = scans.iter().map(|scan| scan.words(memory)).collect();
    let symbols: Vec<_> = scans.iter().map(|scan| scan.symbols()).collect();
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
    cpu_emulation::blocks(&file.picture, dc, &emulated, &mut out);
    out.as_flattened().to_vec()
}

/// How a kernel fares with a file.
enum ByKernel {
    NotForIt,
    Refused,
    Found(Vec<i16>),
}

/// Lets the host decode DC scans, finds where blocks begin as a kernel does it, and decodes from there.
fn by_kernel(file: &File, bytes: &[u8]) -> ByKernel {
    let positions = Positions::of(file, bytes);
    match positions.filter(Positions::is_for_kernels) {
        None => ByKernel::NotForIt,
        Some(positions) => {
            found_by_kernel(file, &positions).map_or(ByKernel::Refused, ByKernel::Found)
        }
    }
}

fn found_by_kernel(file: &File, positions: &Positions<'_>) -> Option<Vec<i16>> {
    // Anything but what is right.
    let mut dc = vec![77; file.picture.blocks()];
    let mut memory = vec![0x5a; positions.room()];
    let bits = positions.find_dc(&mut memory, &mut dc)?;
    let mut nonzero = [const { Vec::new() }; 4];
    let mut starts = Vec::new();
    for (scan, bits) in positions.scans().zip(bits) {
        let nonzero = &mut nonzero[scan.component];
        nonzero.resize(scan.blocks, 0);
        let (symbols, words) = (scan.symbols(), scan.words(&memory));
        starts.push(positions_by_kernel(
            scan.band,
            &symbols,
            (&words, bits),
            nonzero,
        )?);
    }
    // Of regular files the starts are those that the host finds.
    let wrong = Start::new(1 << 30, true);
    let scans = positions.scans();
    let mut expected: Vec<_> = scans.map(|scan| vec![wrong; scan.blocks]).collect();
    let (mut by_host, mut other) = (vec![77; dc.len()], memory.clone());
    let to = expected.iter_mut().map(|starts| &mut starts[..]).collect();
    if positions.find(&mut other, &mut by_host, to).is_some() {
        assert!(dc == by_host);
        for (scan, (starts, expected)) in positions.scans().zip(starts.iter().zip(&expected)) {
            // Where a block of a first scan has no bits, nothing is read.
            let has_bits = |start: &Start| scan.band.refines > 0 || !start.is_ended();
            let part = |start: &Start| (start.is_ended(), has_bits(start).then(|| start.bit()));
            assert!(starts.iter().map(part).eq(expected.iter().map(part)));
        }
    }
    Some(blocks(file, positions, &memory, &dc, &starts))
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
        let ac = file.scans.iter().filter(|scan| scan.spectral.0 > 0);
        let has_restarts = ac.clone().any(|scan| !scan.restarts.is_empty());
        match by_kernel(&file, bytes) {
            ByKernel::NotForIt => assert!(has_restarts, "{number}"),
            ByKernel::Refused => panic!("{number}"),
            ByKernel::Found(found) => assert!(!has_restarts && found == expected, "{number}"),
        }
    }
}

/// A file that ends after any of its scans is a file too.
#[test]
fn scans_may_be_missing() {
    let mut by_kernels = 0;
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
            match by_kernel(&file, &cut) {
                ByKernel::NotForIt => {}
                ByKernel::Refused => panic!("refused"),
                ByKernel::Found(found) => {
                    assert!(found == expected);
                    by_kernels += 1;
                }
            }
        }
    }
    assert!(by_kernels > 100, "{by_kernels}");
}

/// Checks a file that was changed: this decoder refuses it, or the plain decoder reads it without
/// an error and to the same coefficients.
#[test]
fn damage_is_the_plain_decoders() {
    let (mut refused, mut taken) = (0, 0);
    let (mut refused_by_kernel, mut found_by_kernel) = (0, 0);
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
            match by_kernel(&file, &bad) {
                ByKernel::NotForIt => {}
                ByKernel::Refused => {
                    assert!(found.is_none());
                    refused_by_kernel += 1;
                }
                ByKernel::Found(by_kernel) => {
                    assert!(by_kernel == plain(&file, &bad, false).unwrap());
                    found_by_kernel += 1;
                }
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
    assert!(
        refused_by_kernel > 100 && found_by_kernel > 100,
        "{refused_by_kernel}, {found_by_kernel}"
    );
}
