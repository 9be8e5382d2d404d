//! Pixels of three bytes and an exponent. A scanline stores runs of each byte, runs of pixels, or
//! plain pixels.

use crate::{Error, Result, error::cut_short};

pub(super) type Pixel = [u8; 4];

/// Scanlines with other lengths have no runs of bytes.
pub(super) const WITH_RUNS: std::ops::RangeInclusive<usize> = 8..=0x7fff;

/// Reads one scanline from the start of `data`.
pub(super) fn read_scanline(data: &mut &[u8], out: &mut [Pixel]) -> Result<()> {
    if let [2, 2, high @ 0..0x80, low, rest @ ..] = *data
        && WITH_RUNS.contains(&out.len())
    {
        if usize::from(u16::from_be_bytes([*high, *low])) != out.len() {
            return Err(Error::decode("a scanline has another length"));
        }
        *data = rest;
        return (0..4).try_for_each(|byte| read_bytes(data, byte, out));
    }
    read_pixels(data, out)
}

/// Runs of one of the four bytes. A count above 128 repeats a byte; another count is followed by
/// that many bytes.
fn read_bytes(data: &mut &[u8], byte: usize, mut out: &mut [Pixel]) -> Result<()> {
    while !out.is_empty() {
        let count = usize::from(take::<1>(data)?[0]);
        let (count, repeated) = match count {
            129.. => (count - 128, Some(take::<1>(data)?[0])),
            count => (count, None),
        };
        if count == 0 {
            return Err(Error::decode("a run of nothing"));
        }
        let (run, after) = out.split_at_mut_checked(count).ok_or_else(too_long)?;
        match repeated {
            Some(value) => run.iter_mut().for_each(|pixel| pixel[byte] = value),
            None => {
                let (values, rest) = data.split_at_checked(count).ok_or_else(cut_short)?;
                *data = rest;
                for (pixel, &value) in run.iter_mut().zip(values) {
                    pixel[byte] = value;
                }
            }
        }
        out = after;
    }
    Ok(())
}

/// Plain pixels. Three bytes of 1 and a count repeat the last pixel. Consecutive counts are the
/// digits, to base 256, of one number.
fn read_pixels(data: &mut &[u8], out: &mut [Pixel]) -> Result<()> {
    let (mut x, mut shift) = (0, 0);
    while x < out.len() {
        let pixel = take::<4>(data)?;
        if let [1, 1, 1, count] = pixel {
            let last = *x
                .checked_sub(1)
                .and_then(|last| out.get(last))
                .unwrap_or(&[0; 4]);
            let count = usize::from(count).checked_shl(shift).ok_or_else(too_long)?;
            let run = out[x..].get_mut(..count).ok_or_else(too_long)?;
            run.fill(last);
            x += count;
            shift += 8;
            // Counts of zero would make no progress.
            if shift > 24 {
                return Err(too_long());
            }
        } else {
            out[x] = pixel;
            x += 1;
            shift = 0;
        }
    }
    Ok(())
}

fn take<const N: usize>(data: &mut &[u8]) -> Result<[u8; N]> {
    let (taken, rest) = data.split_first_chunk().ok_or_else(cut_short)?;
    *data = rest;
    Ok(*taken)
}

fn too_long() -> Error {
    Error::decode("a run is longer than its scanline")
}

/// The light of a pixel.
pub(super) fn light([a, b, c, exponent]: Pixel) -> [f32; 3] {
    if exponent == 0 {
        return [0.0; 3];
    }
    let unit = (f64::from(exponent) - 136.0).exp2();
    [a, b, c].map(|v| (f64::from(v) * unit) as f32)
}

/// The largest sample of a pixel: 255 * 2^119.
pub(super) const MOST: f32 = 255.0 * (1_u128 << 119) as f32;

/// The pixel that is nearest to a light. One of its three bytes is 128 or more, so it cannot be taken
/// for a run; or it is black, if all samples are below 2^-128. A negative sample and NaN count as 0,
/// and a sample above [`MOST`] counts as that.
pub(super) fn of_light(light: [f32; 3]) -> Pixel {
    let held = light.map(|v| match v > 0.0 {
        true => f64::from(v.min(MOST)),
        false => 0.0,
    });
    let largest = held[0].max(held[1]).max(held[2]);
    // The exponent of the largest sample. No sample is subnormal in double precision.
    let exponent = (largest.to_bits() >> 52) as i32 - 1023;
    let bytes = |exponent: i32| {
        let scale = f64::from_bits(((1023 + 136 - exponent) as u64) << 52);
        held.map(|v| (v * scale + 0.5) as u32)
    };
    let mut exponent = (exponent + 129).max(1);
    let mut rounded = bytes(exponent);
    if rounded.contains(&256) {
        exponent += 1;
        rounded = bytes(exponent);
    }
    match rounded.iter().any(|&byte| byte >= 128) {
        true => {
            let [r, g, b] = rounded.map(|byte| byte as u8);
            [r, g, b, exponent as u8]
        }
        false => [0; 4],
    }
}

/// Converts CIE XYZ, with D65 as white, to the primaries of sRGB (IEC 61966-2-1).
pub(super) fn of_xyz(xyz: [f32; 3]) -> [f32; 3] {
    const MATRIX: [[f64; 3]; 3] = [
        [3.240_625_5, -1.537_208, -0.498_628_6],
        [-0.968_930_7, 1.875_756_1, 0.041_517_5],
        [0.055_710_1, -0.204_021_1, 1.056_995_9],
    ];
    MATRIX.map(|row| {
        let sum: f64 = row.iter().zip(xyz).map(|(m, v)| m * f64::from(v)).sum();
        sum as f32
    })
}
