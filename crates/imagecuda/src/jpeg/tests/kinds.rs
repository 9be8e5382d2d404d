//! Files of kinds that few programs write: arithmetic codes, 12 bits, lossless ones, and those whose
//! height stands after the first scan.

use super::made::{Conditioning, Lossless, Made, Random};
use crate::{
    ErrorKind, Result,
    jpeg::{Jpeg, entropy, markers},
};
use imagecuda_kernels::layout::Layout;

/// The coefficients of a file, of all blocks that do not only fill MCUs.
fn coefficients(made: &Made, bytes: &[u8], damaged: bool) -> Result<Vec<[i16; 64]>> {
    let file = markers::parse(bytes, damaged)?;
    let mut all = vec![0; file.picture.blocks() * 64];
    entropy::one_by_one(&file, bytes, damaged, &mut all)?;
    let (blocks, _) = all.as_chunks();
    let parts = file.picture.parts().iter().enumerate();
    let used = parts.flat_map(|(index, part)| {
        let first = part.first_block as usize;
        made.used(index).map(move |place| blocks[first + place])
    });
    Ok(used.collect())
}

fn expected(made: &Made) -> Vec<[i16; 64]> {
    let parts = made.blocks.iter().enumerate();
    let used = parts.flat_map(|(index, blocks)| made.used(index).map(|place| blocks[place]));
    used.collect()
}

fn conditionings() -> [Option<Conditioning>; 5] {
    let other = |small, low| Some(Conditioning { small, low });
    [
        None,
        Some(Conditioning::DEFAULT),
        other((0, 0), 1),
        other((2, 5), 63),
        other((1, 15), 20),
    ]
}

#[test]
fn coefficients_are_those_that_were_written() {
    for seed in 0..60 {
        let random = &mut Random::new(seed);
        let (bits, progressive) = (random.pick(&[8, 12]), random.pick(&[false, true]));
        let mut made = random.made(bits, progressive);
        for conditioning in conditionings() {
            made.conditioning = conditioning;
            let bytes = made.write();
            let found = coefficients(&made, &bytes, false).unwrap();
            assert!(found == expected(&made), "{seed} {conditioning:?}");
        }
    }
}

/// After each scan the coefficients are as fine as the scans that are there.
#[test]
fn a_cut_between_scans_leaves_the_scans_before() {
    for seed in 0..20 {
        let random = &mut Random::new(seed);
        let mut made = random.made(12, true);
        made.conditioning = random.pick(&conditionings());
        for count in 1..made.scans.len() {
            let mut fewer = made.clone();
            fewer.scans.truncate(count);
            let bytes = fewer.write();
            // Of each coefficient the bits that have come by then.
            let mut low = vec![[15; 64]; made.factors.len()];
            for scan in &fewer.scans {
                for &index in &scan.components {
                    let (first, last) = scan.spectral;
                    let band = usize::from(first)..=usize::from(last);
                    low[index][band].fill(scan.approximation.1);
                }
            }
            for (blocks, low) in fewer.blocks.iter_mut().zip(&low) {
                for block in blocks {
                    for (k, &low) in low.iter().enumerate() {
                        let place = usize::from(imagecuda_kernels::jpeg::scan::NATURAL[k]);
                        let value = i32::from(block[place]);
                        let kept = match (k, low) {
                            (_, 15) => 0,
                            (0, _) => value >> low << low,
                            _ => value.signum() * (value.abs() >> low << low),
                        };
                        block[place] = kept as i16;
                    }
                }
            }
            let found = coefficients(&fewer, &bytes, true).unwrap();
            assert!(found == expected(&fewer), "{seed} {count}");
        }
    }
}

fn load(bytes: &[u8], damaged: bool) -> Result<(Layout, Vec<u8>)> {
    let jpeg = Jpeg::read(bytes, damaged)?;
    let mut out = vec![0; jpeg.header().bytes()];
    jpeg.decode(&mut out)?;
    Ok((jpeg.header().layout, out))
}

/// Cut or changed anywhere, a file is an error or some picture, and soon.
#[test]
fn damage_is_no_matter() {
    for seed in 0..24 {
        let random = &mut Random::new(seed);
        let bytes = match seed % 3 {
            0 => lossless(random).write(),
            _ => {
                let bits = random.pick(&[8, 12]);
                let mut made = random.made(bits, seed % 2 == 0);
                made.conditioning = random.pick(&conditionings()[1..]);
                made.write()
            }
        };
        for _ in 0..60 {
            let mut damaged = bytes.clone();
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => damaged.truncate(at),
                1 => damaged[at] ^= 1 << random.below(8),
                _ => drop(damaged.drain(at..(at + random.below(9)).min(bytes.len()))),
            }
            // A size of more pixels takes its time, and is for the limits.
            let is_small = Jpeg::read(&damaged, true).is_ok_and(|jpeg| {
                let header = jpeg.header();
                header.width * header.height < 1 << 18
            });
            if is_small {
                for tolerant in [false, true] {
                    let _ = load(&damaged, tolerant);
                }
            }
        }
    }
}

#[test]
fn arithmetic_codes_do_not_tell_where_they_end() {
    let mut made = Random::new(4).made(8, false);
    made.conditioning = Some(Conditioning::DEFAULT);
    let bytes = made.write();
    let whole = load(&bytes, false).unwrap();
    let end = bytes.len() - 2;
    let error = load(&bytes[..end], false).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    assert!(load(&bytes[..end], true).unwrap() == whole);
    // Another marker will do.
    let other = [&bytes[..end], &[0xff, 0xfe, 0, 2]].concat();
    assert!(load(&other, false).unwrap() == whole);
    // An encoder leaves out zeros at the end, and may leave out all.
    let head = markers::parse(&bytes, false).unwrap().scans[0].data.start;
    assert!(load(&[&bytes[..head], &[0xff, 0xd9]].concat(), true).is_err());
    // One decision, of the more probable outcome.
    (made.size, made.factors) = ((8, 8), vec![(1, 1)]);
    made.blocks = vec![vec![[0; 64]]];
    made.progressive = true;
    made.scans = super::made::script(&mut Random::new(1), 1, true);
    made.scans.truncate(1);
    made.scans[0].restart = 0;
    let bytes = made.write();
    let file = markers::parse(&bytes, false).unwrap();
    assert!(file.scans[0].data.is_empty());
    assert!(coefficients(&made, &bytes, false).unwrap() == expected(&made));
}

/// Samples of 12 bits as floats are shares of 4095, those of CMYK shares of 65,535.
#[test]
fn twelve_bits_keep_their_precision() {
    for (count, layout) in [(1, Layout::L32F), (3, Layout::Rgb32F), (4, Layout::Cmyk16)] {
        let mut made = Random::new(5).made(12, false);
        made.factors = vec![(1, 1); count];
        made.size = (8, 8);
        made.quantizer = 1;
        // 8 for each step of all samples. Chroma stays in the middle.
        made.blocks = (0..count).map(|_| vec![[0; 64]]).collect();
        made.blocks[0][0][0] = 8 * 1234;
        made.scans = super::made::script(&mut Random::new(1), count, false);
        let (found, pixels) = load(&made.write(), false).unwrap();
        assert_eq!(found, layout);
        let gray = (2048.0 + 1234.0) / 4095.0_f32;
        let ink = |sample: u32| (((4095 - sample) * 65_535 + 2047) / 4095) as u16;
        let pixel = match layout {
            Layout::L32F => gray.to_ne_bytes().to_vec(),
            Layout::Rgb32F => [gray; 3].map(f32::to_ne_bytes).concat(),
            _ => [3282, 2048, 2048, 2048]
                .map(|sample| ink(sample).to_ne_bytes())
                .concat(),
        };
        assert_eq!(pixels, pixel.repeat(64));
    }
}

fn lossless(random: &mut Random) -> Lossless {
    let bits = 2 + random.below(15) as u8;
    let transform = match random.below(2) {
        0 => 0,
        _ => random.below(bits.into()) as u8,
    };
    let factors: &[&[(u32, u32)]] = &[
        &[(1, 1)],
        &[(1, 1); 3],
        &[(2, 2), (1, 1), (1, 1)],
        &[(1, 2), (1, 1), (1, 2)],
        &[(3, 1), (1, 1), (3, 1)],
    ];
    let mut made = Lossless {
        size: (1 + random.below(40) as u16, 1 + random.below(40) as u16),
        bits,
        factors: random.pick(factors).to_vec(),
        samples: Vec::new(),
        predictor: 1 + random.below(7) as u8,
        transform,
        restart_rows: random.pick(&[0, 0, 1, 3]),
        apart: random.pick(&[false, true]),
    };
    let soft = random.pick(&[false, true]);
    for part in made.picture().parts() {
        let mut last = 0;
        let sample = |_| {
            last = match soft {
                true => (last + random.below(5)).saturating_sub(1) % (1 << bits),
                false => random.below(1 << bits),
            };
            (last >> transform << transform) as u16
        };
        let samples = (0..part.width * part.height).map(sample);
        made.samples.push(samples.collect());
    }
    made
}

#[test]
fn lossless_samples_are_those_that_were_written() {
    for seed in 0..200 {
        let made = lossless(&mut Random::new(seed));
        let (layout, pixels) = load(&made.write(), false).unwrap();
        let picture = made.picture();
        let top = (1_u32 << made.bits) - 1;
        let mut expected = Vec::new();
        for (y, x) in (0..picture.height).flat_map(|y| (0..picture.width).map(move |x| (y, x))) {
            for (part, samples) in picture.parts().iter().zip(&made.samples) {
                let place = y * part.v / picture.v_max * part.width + x * part.h / picture.h_max;
                let sample = samples[place as usize];
                match made.bits {
                    8 => expected.push(sample as u8),
                    16 => expected.extend(sample.to_ne_bytes()),
                    _ => expected.extend((f32::from(sample) / top as f32).to_ne_bytes()),
                }
            }
        }
        assert_eq!(layout.channels(), made.factors.len());
        assert!(pixels == expected, "{seed}");
    }
}

#[test]
fn lossless_scans_must_make_sense() {
    let mut made = lossless(&mut Random::new(3));
    made.bits = 8;
    made.transform = 0;
    for predictor in [0, 8] {
        made.predictor = predictor;
        assert!(load(&made.write(), false).is_err());
    }
    made.predictor = 1;
    made.restart_rows = 0;
    let bytes = made.write();
    assert!(load(&bytes, false).is_ok());
    let interval = bytes
        .windows(2)
        .position(|two| two == [0xff, 0xdd])
        .unwrap();
    let mut within = bytes.clone();
    within[interval + 5] = made.picture().width as u8 + 1;
    let error = load(&within, false).unwrap_err();
    assert!(error.to_string().contains("restart"), "{error}");
    // No point transform leaves nothing.
    let scan = markers::parse(&bytes, false).unwrap().scans[0].data.start;
    let mut nothing = bytes;
    nothing[scan - 1] = 8;
    assert!(load(&nothing, false).is_err());
}

#[test]
fn a_cut_lossless_file_is_gray_behind_the_cut() {
    let mut made = lossless(&mut Random::new(8));
    made.bits = 8;
    (made.factors, made.size) = (vec![(1, 1)], (20, 30));
    (made.transform, made.restart_rows) = (0, 10);
    made.samples = vec![(0..600).map(|i| 7 * i % 256).collect()];
    let bytes = made.write();
    let (_, whole) = load(&bytes, false).unwrap();
    let restarts = markers::parse(&bytes, false).unwrap().scans[0]
        .restarts
        .clone();
    let cut = &bytes[..restarts[0]];
    let error = load(cut, false).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    let (_, found) = load(cut, true).unwrap();
    assert_eq!(found[..200], whole[..200]);
    assert!(found[200..].iter().all(|&v| v == 128));
    // An interval that is lost is gray as well.
    let lost = [&bytes[..restarts[0]], &bytes[restarts[1]..]].concat();
    assert!(load(&lost, false).is_err());
    let (_, found) = load(&lost, true).unwrap();
    assert_eq!(found[..200], whole[..200]);
    assert!(found[200..400].iter().all(|&v| v == 128));
    assert_eq!(found[400..], whole[400..]);
}

#[test]
fn the_height_may_stand_behind_the_first_scan() {
    for seed in 0..40 {
        let random = &mut Random::new(seed);
        let bytes = match seed % 3 {
            0 => lossless(random).write(),
            _ => {
                let mut made = random.made(8, seed % 2 == 0);
                made.conditioning = random.pick(&conditionings());
                made.write()
            }
        };
        let whole = load(&bytes, false).unwrap();
        let end = markers::parse(&bytes, false).unwrap().scans[0].data.end;
        let frame = bytes
            .windows(2)
            .position(|two| two[0] == 0xff && matches!(two[1], 0xc0..=0xc3 | 0xc9 | 0xca));
        let height = frame.unwrap() + 5;
        let lines = [&[0xff, 0xdc, 0, 4], &bytes[height..height + 2]].concat();
        let mut behind = [&bytes[..end], &lines, &bytes[end..]].concat();
        behind[height..height + 2].fill(0);
        assert!(load(&behind, false).unwrap() == whole, "{seed}");
        assert!(load(&behind, true).unwrap() == whole, "{seed}");
        // What a header says holds, whatever stands after the scan.
        let mut both = [&bytes[..end], &[0xff, 0xdc, 0, 4, 0, 1], &bytes[end..]].concat();
        assert!(load(&both, false).unwrap() == whole, "{seed}");
        both[height..height + 2].fill(0);
        both[end + 5] = 0;
        for none in [&both, &behind[..end]] {
            let error = load(none, false).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
            assert!(load(none, true).is_err());
        }
    }
}
