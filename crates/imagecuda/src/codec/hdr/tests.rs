use super::{
    rgbe::{MOST, light, of_light},
    *,
};
use crate::{Error, SaveOptions, codec, picture::Pixels};
use std::io::Cursor;

/// The value of a byte beside an exponent.
fn value(byte: u8, exponent: u8) -> f64 {
    f64::from(byte) * (f64::from(exponent) - 136.0).exp2()
}

/// Pixels as they are meant to be, one of their bytes being 128 or more, are what their light becomes.
#[test]
fn light_becomes_the_pixel_that_it_came_from() {
    for exponent in 1..=255 {
        for largest in 128..=255_u8 {
            for other in 0..=largest {
                let pixel = [other, largest, largest - other, exponent];
                assert_eq!(of_light(light(pixel)), pixel);
            }
        }
    }
    assert_eq!(of_light(light([0; 4])), [0; 4]);
}

/// No other byte would be nearer.
#[test]
fn light_is_rounded_to_the_nearest_pixel() {
    let mut state = 1_u32;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let near_powers = (-126..=126).flat_map(|power| {
        let bits = 2_f32.powi(power).to_bits();
        (bits - 3..=bits + 3).map(f32::from_bits)
    });
    let any = (0..100_000).map(|_| f32::from_bits(random() & 0x7fff_ffff));
    let samples: Vec<f32> = near_powers.chain(any).collect();
    for &largest in samples.iter().filter(|v| **v <= MOST) {
        let light = [largest, largest * 0.499_9, largest * 0.01];
        let [r, g, b, exponent] = of_light(light);
        if [r, g, b, exponent] == [0; 4] {
            assert!(largest < 2_f32.powi(-128), "{largest:e}");
            continue;
        }
        assert!(r >= 128);
        // Half a step; beside it the exponent that is one less must have no room.
        let half = value(1, exponent) / 2.0;
        for (byte, sample) in [r, g, b].into_iter().zip(light) {
            let distance = (value(byte, exponent) - f64::from(sample)).abs();
            assert!(distance <= half, "{sample:e} is {byte}, {exponent}");
        }
        if exponent > 1 {
            let most = 255.5 * value(1, exponent - 1);
            assert!(f64::from(largest) >= most, "{largest:e}: {exponent}");
        }
    }
}

#[test]
fn samples_that_no_pixel_has_become_the_nearest_that_one_has() {
    let (nan, infinity) = (f32::NAN, f32::INFINITY);
    let most = [255, 255, 255, 255];
    for (light, pixel) in [
        ([nan, nan, nan], [0; 4]),
        ([nan, 1.0, -0.0], [0, 128, 0, 129]),
        ([-1.0, 1.0, -infinity], [0, 128, 0, 129]),
        ([-1.0; 3], [0; 4]),
        ([0.0; 3], [0; 4]),
        ([infinity; 3], most),
        ([f32::MAX; 3], most),
        ([MOST; 3], most),
        ([MOST.next_up(), 0.0, 0.0], [255, 0, 0, 255]),
        // Half of the largest.
        ([infinity, MOST / 2.0, 1.0], [255, 128, 0, 255]),
        // The smallest pixel, and what rounds to it.
        ([2_f32.powi(-128), 0.0, 0.0], [128, 0, 0, 1]),
        ([127.5 * 2_f32.powi(-135), 0.0, 0.0], [128, 0, 0, 1]),
        ([127.25 * 2_f32.powi(-135), 0.0, 0.0], [0; 4]),
        ([f32::from_bits(1); 3], [0; 4]),
        // Just below a power of two.
        ([1_f32.next_down(), 0.5, 0.25], [128, 64, 32, 129]),
        ([255.5 / 256.0, 0.0, 0.0], [128, 0, 0, 129]),
        ([255.25 / 256.0, 0.0, 0.0], [255, 0, 0, 128]),
    ] {
        assert_eq!(of_light(light), pixel, "{light:?}");
    }
}

fn encoded(width: u32, pixels: &[rgbe::Pixel]) -> Vec<u8> {
    let lights: Vec<u8> = pixels
        .iter()
        .flat_map(|&pixel| light(pixel).map(f32::to_ne_bytes))
        .flatten()
        .collect();
    let picture = Pixels {
        width,
        height: pixels.len() as u32 / width,
        layout: Layout::Rgb32F,
        data: &lights,
    };
    let mut file = Cursor::new(Vec::new());
    let options = SaveOptions::new();
    codec::encode(
        Format::Hdr,
        EncodeRequest::new(picture, &options),
        &mut file,
    )
    .unwrap();
    file.into_inner()
}

/// Pixels with runs of all lengths, and of none.
fn pixels(count: usize) -> Vec<rgbe::Pixel> {
    let mut state = count as u32 | 1;
    let mut out = Vec::new();
    while out.len() < count {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let pixel = [128 | (state >> 25) as u8, (state >> 17) as u8, 7, 120];
        let length = match state >> 12 & 3 {
            0 => 1,
            1 => 2 + (state >> 14 & 1) as usize,
            2 => 120 + (state >> 14 & 15) as usize,
            _ => 250 + (state >> 14 & 15) as usize,
        };
        match state >> 10 & 3 {
            // As many different ones.
            0 => out.extend((0..length).map(|i| [128 + (i * 7 % 128) as u8, i as u8, 9, 121])),
            _ => out.extend([pixel].repeat(length)),
        }
    }
    out.truncate(count);
    out
}

/// Files of all kinds of widths are read again, to the same pixels. Widths that the header of runs
/// cannot state have plain pixels.
#[test]
fn all_widths_are_read_again() -> Result<(), Error> {
    for width in [
        1, 2, 7, 8, 9, 127, 128, 129, 130, 131, 256, 1000, 0x7fff, 0x8000, 0x8001, 70_000,
    ] {
        let stored = pixels(width * 2);
        let file = encoded(width as u32, &stored);
        let text = header::Header::read(&file)?;
        let has_runs = (8..0x8000).contains(&width);
        assert_eq!(text.data.starts_with(&[2, 2]), has_runs, "{width}");
        if !has_runs {
            assert_eq!(text.data, stored.as_flattened());
        }
        let mut data = text.data;
        let mut scanline = vec![[0; 4]; width];
        for row in stored.chunks(width) {
            rgbe::read_scanline(&mut data, &mut scanline)?;
            assert!(scanline == row, "{width}");
        }
        assert!(data.is_empty());
    }
    Ok(())
}

/// Runs take little, and what has none hardly more than plain pixels.
#[test]
fn runs_are_short() {
    let row = |pixels: &[rgbe::Pixel]| {
        let file = encoded(pixels.len() as u32, pixels);
        header::Header::read(&file).unwrap().data.len()
    };
    assert_eq!(row(&[[200, 100, 50, 128]; 254]), 4 + 4 * 4);
    let various: Vec<_> = (0..256)
        .map(|i| {
            [
                128 + (i % 128) as u8,
                i as u8,
                (i * 3) as u8,
                127 + (i & 1) as u8,
            ]
        })
        .collect();
    assert_eq!(row(&various), 4 + 4 * (256 + 2));
}
