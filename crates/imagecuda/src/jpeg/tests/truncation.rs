//! Files of all kinds, cut at every byte.

use crate::{ErrorKind, Result, jpeg::Jpeg};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

const WIDTH: u16 = 40;
const HEIGHT: u16 = 72;

/// A noisy picture, so that every row takes about as many bytes.
fn file(color: ColorType, sampling: SamplingFactor, progressive: bool, restart: u16) -> Vec<u8> {
    let channels = match color {
        ColorType::Luma => 1,
        ColorType::Rgb => 3,
        _ => 4,
    };
    let samples = usize::from(WIDTH) * usize::from(HEIGHT) * channels;
    let noise = |i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8;
    let data: Vec<u8> = (0..samples as u32).map(noise).collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 60);
    encoder.set_sampling_factor(sampling);
    encoder.set_progressive(progressive);
    encoder.set_restart_interval(restart);
    encoder.encode(&data, WIDTH, HEIGHT, color).unwrap();
    file
}

pub(super) fn load(bytes: &[u8], damaged: bool) -> Result<Vec<u8>> {
    let jpeg = Jpeg::read(bytes, damaged)?;
    let mut out = vec![0; jpeg.header().bytes()];
    jpeg.decode(&mut out)?;
    Ok(out)
}

#[test]
fn every_kind_gives_the_rows_until_the_cut() {
    use ColorType::{Cmyk, CmykAsYcck, Luma, Rgb};
    use SamplingFactor::{R_4_2_0, R_4_4_4};
    for (color, sampling, progressive, restart) in [
        (Luma, R_4_4_4, false, 0),
        (Luma, R_4_4_4, true, 0),
        (Rgb, R_4_4_4, false, 0),
        (Rgb, R_4_4_4, false, 3),
        (Rgb, R_4_2_0, false, 0),
        (Rgb, R_4_2_0, false, 4),
        (Rgb, R_4_4_4, true, 0),
        (Rgb, R_4_2_0, true, 0),
        (Rgb, R_4_2_0, true, 2),
        (Cmyk, R_4_4_4, false, 0),
        (CmykAsYcck, R_4_4_4, false, 5),
        (CmykAsYcck, R_4_4_4, true, 0),
    ] {
        let kind = format!("{color:?} {sampling:?} progressive {progressive} restart {restart}");
        let file = file(color, sampling, progressive, restart);
        let whole = load(&file, false).unwrap();
        let row = whole.len() / usize::from(HEIGHT);
        let unit = match sampling {
            R_4_2_0 => 16,
            _ => 8,
        };
        let scan = file.windows(2).position(|two| two == [0xff, 0xda]).unwrap() + 14;
        let mut had = None;
        for keep in 0..file.len() - 2 {
            let cut = &file[..keep];
            let found = match load(cut, true) {
                Ok(found) => found,
                Err(error) => {
                    assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
                    assert!(had.is_none(), "{kind}: {keep}: {error}");
                    continue;
                }
            };
            had.get_or_insert(keep);
            if progressive {
                continue;
            }
            let rows = found.chunks(row).zip(whole.chunks(row));
            let good = rows.take_while(|(a, b)| a == b).count();
            let expected = usize::from(HEIGHT) * keep.saturating_sub(scan) / (file.len() - scan);
            assert!(
                good + 2 * unit + 1 >= expected * 9 / 10,
                "{kind}: {good} rows of {keep} bytes"
            );
        }
        // A short beginning of a file already gives the first rows, or the first scan.
        assert!(
            had.unwrap() < scan + (file.len() - scan) / 3,
            "{kind}: {had:?}"
        );
    }
}

/// A marker that means nothing costs the rest of its interval, and not what follows.
#[test]
fn a_marker_that_means_nothing_ends_an_interval() {
    use ColorType::{Luma, Rgb};
    for (color, progressive) in [(Luma, false), (Rgb, false), (Luma, true)] {
        // An interval is a row of MCUs.
        let file = file(color, SamplingFactor::R_4_4_4, progressive, WIDTH / 8);
        let whole = load(&file, false).unwrap();
        let row = whole.len() / usize::from(HEIGHT);
        let restart = |number: u8| {
            let marker = [0xff, 0xd0 + number];
            file.windows(2).position(|two| two == marker).unwrap()
        };
        let (second, third) = (restart(1), restart(2));
        for marker in [1, 0x35, 0xbf] {
            let mut bad = file.clone();
            let at = second + 2 + (third - second) / 2;
            bad.splice(at..at, [0xff, marker]);
            assert!(load(&bad, false).is_err());
            let found = load(&bad, true).unwrap();
            // Rows 16 to 23 are of the interval.
            assert!(found[..16 * row] == whole[..16 * row], "{color:?} {marker}");
            assert!(found[24 * row..] == whole[24 * row..], "{color:?} {marker}");
            assert!(found[16 * row..24 * row] != whole[16 * row..24 * row]);
        }
    }
}

/// Pixels that a decoder makes up would differ from the picture.
#[test]
fn a_progressive_file_is_as_good_as_its_scans() {
    let file = file(ColorType::Luma, SamplingFactor::R_4_4_4, true, 0);
    let whole = load(&file, false).unwrap();
    let distance = |found: &[u8]| -> u64 {
        let far = found.iter().zip(&whole).map(|(a, b)| a.abs_diff(*b));
        far.map(u64::from).sum()
    };
    let mut before = u64::MAX;
    for quarter in 1..=4 {
        let found = load(&file[..file.len() * quarter / 4], true).unwrap();
        let distance = distance(&found);
        assert!(
            distance <= before,
            "{distance} after {before} of {quarter}/4"
        );
        before = distance;
    }
    assert_eq!(before, 0);
}
