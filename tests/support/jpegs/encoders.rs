//! Files as encoders write them.

use super::Jpeg;
use crate::support::Noise;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use mozjpeg::{ColorSpace, Compress};

/// Something to encode, of as many channels.
fn pixels([width, height]: [usize; 2], channels: usize) -> Vec<u8> {
    let mut noise = Noise::new((width * height) as u64);
    (0..width * height * channels)
        .map(|i| {
            let (x, y, c) = (i / channels % width, i / channels / width, i % channels);
            let wave = ((x * (c + 1)) as f32 / 9.0).sin() + (y as f32 / (5.0 + c as f32)).cos();
            (wave * 50.0 + 118.0) as u8 + (noise.next() >> 60) as u8
        })
        .collect()
}

/// What two encoders make of a picture, progressive and not, with all of their resolutions.
pub fn encoded() -> Vec<Jpeg> {
    let size = [149, 75];
    let mut files = Vec::new();
    let factors = [
        SamplingFactor::R_4_4_4,
        SamplingFactor::R_4_4_0,
        SamplingFactor::R_4_4_1,
        SamplingFactor::R_4_2_2,
        SamplingFactor::R_4_2_0,
        SamplingFactor::R_4_1_1,
        SamplingFactor::R_4_1_0,
    ];
    for (i, (factor, progressive)) in factors
        .iter()
        .flat_map(|f| [(f, false), (f, true)])
        .enumerate()
    {
        let color = [ColorType::Rgb, ColorType::Rgb, ColorType::CmykAsYcck][i % 3];
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 30 + 5 * i as u8);
        encoder.set_sampling_factor(*factor);
        encoder.set_progressive(progressive);
        encoder.set_optimized_huffman_tables(i % 4 > 1);
        if i % 5 == 0 {
            encoder.set_restart_interval(3);
        }
        let channels = if color == ColorType::Rgb { 3 } else { 4 };
        let [width, height] = size.map(|n| n as u16);
        encoder
            .encode(&pixels(size, channels), width, height, color)
            .unwrap();
        let what = format!("jpeg-encoder's {factor:?} of {color:?}, progressive {progressive}");
        files.push(Jpeg { bytes, what });
    }
    for (i, factors) in [[2, 2], [2, 1], [1, 2], [4, 1], [1, 1]]
        .into_iter()
        .enumerate()
    {
        for (space, channels) in [
            (ColorSpace::JCS_YCbCr, 3),
            (ColorSpace::JCS_GRAYSCALE, 1),
            (ColorSpace::JCS_YCCK, 4),
        ] {
            let progressive = i % 2 == 0;
            let bytes = mozjpeg(size, space, channels, factors, progressive);
            let what = format!("mozjpeg's {factors:?} of {space:?}, progressive {progressive}");
            files.push(Jpeg { bytes, what });
        }
    }
    files
}

fn mozjpeg(
    size: [usize; 2],
    space: ColorSpace,
    channels: usize,
    factors: [i32; 2],
    progressive: bool,
) -> Vec<u8> {
    let from = [
        ColorSpace::JCS_GRAYSCALE,
        ColorSpace::JCS_RGB,
        ColorSpace::JCS_CMYK,
    ][channels / 2];
    let mut encoder = Compress::new(from);
    encoder.set_size(size[0], size[1]);
    encoder.set_fastest_defaults();
    encoder.set_color_space(space);
    if progressive {
        encoder.set_progressive_mode();
    }
    encoder.set_quality(77.0);
    if channels > 1 {
        let first = &mut encoder.components_mut()[0];
        [first.h_samp_factor, first.v_samp_factor] = factors;
        for other in &mut encoder.components_mut()[1..] {
            [other.h_samp_factor, other.v_samp_factor] = [1, 1];
        }
    }
    let mut encoder = encoder.start_compress(Vec::new()).unwrap();
    encoder.write_scanlines(&pixels(size, channels)).unwrap();
    encoder.finish().unwrap()
}
