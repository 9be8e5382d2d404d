//! The encoded data are libjpeg's, on every device.

use super::*;
use crate::{jpeg::Jpeg, picture::Pixels};
use imagecuda_kernels::{
    jpeg::encode::{cpu_emulation, sample},
    layout::Layout,
    texel::Rgb8,
};
use mozjpeg::{
    ColorSpace, Compress,
    qtable::{AnnexK_Chroma, AnnexK_Luma},
};
use std::io::Cursor;

/// The content of a test picture.
#[derive(Clone, Copy, Debug)]
enum Content {
    Flat,
    Noise,
    Waves,
    /// All blocks are equal, and their coefficients are large or zero.
    Stripes,
}

fn pixels((width, height): (u32, u32), channels: usize, content: Content) -> Vec<u8> {
    let mut state = width * 31 + height;
    (0..(width * height) as usize * channels)
        .map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (pixel, c) = (i / channels, i % channels);
            let (x, y) = (pixel % width as usize, pixel / width as usize);
            match content {
                Content::Flat => [200, 30, 90][c],
                Content::Noise => (state >> 24) as u8,
                Content::Stripes => [30, 220][x / 4 % 2],
                Content::Waves => {
                    let wave = (x as f32 / (5.0 + c as f32)).sin() + (y as f32 / 9.0).cos();
                    (wave * 55.0 + 125.0) as u8 + (state >> 29) as u8
                }
            }
        })
        .collect()
}

/// The pixels as kernels take them.
fn pixel_of(size: (u32, u32), data: &[u8]) -> impl Fn(u32, u32) -> u32 {
    let channels = data.len() / (size.0 * size.1) as usize;
    move |x, y| {
        let at = (y * size.0 + x) as usize * channels;
        match channels {
            1 => data[at].into(),
            _ => sample::ycc(Rgb8(*data[at..].first_chunk().unwrap())),
        }
    }
}

/// A whole file, encoded by libjpeg.
fn libjpeg(
    size: (u32, u32),
    data: &[u8],
    options: &SaveOptions,
    factors: (i32, i32),
    channels: usize,
) -> Vec<u8> {
    let from = match channels {
        1 => ColorSpace::JCS_GRAYSCALE,
        _ => ColorSpace::JCS_RGB,
    };
    let mut encoder = Compress::new(from);
    encoder.set_size(size.0 as usize, size.1 as usize);
    encoder.set_fastest_defaults();
    let quality: f32 = options.quality.unwrap().into();
    encoder.set_quality(quality);
    if quality < 25.0 {
        // Such a quality needs 16-bit divisors, which baseline files cannot have.
        encoder.set_luma_qtable(&AnnexK_Luma.scaled(quality, quality));
        encoder.set_chroma_qtable(&AnnexK_Chroma.scaled(quality, quality));
    }
    encoder.set_optimize_coding(options.optimize_huffman);
    if channels > 1 {
        let components = encoder.components_mut();
        (components[0].h_samp_factor, components[0].v_samp_factor) = factors;
        for other in &mut components[1..] {
            (other.h_samp_factor, other.v_samp_factor) = (1, 1);
        }
    }
    if options.progressive {
        encoder.set_progressive_mode();
    }
    let mut encoder = encoder.start_compress(Vec::new()).unwrap();
    encoder.write_scanlines(data).unwrap();
    encoder.finish().unwrap()
}

/// The bytes after the header of the scan.
fn data_of(file: &[u8]) -> &[u8] {
    let mut at = 2;
    loop {
        let length = usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
        let marker = file[at + 1];
        at += 2 + length;
        if marker == 0xda {
            return &file[at..];
        }
    }
}

fn check(size: (u32, u32), channels: usize, content: Content, options: &SaveOptions) {
    let data = pixels(size, channels, content);
    let layout = match channels {
        1 => Layout::L8,
        _ => Layout::Rgb8,
    };
    let picture = Pixels {
        width: size.0,
        height: size.1,
        layout,
        data: &data,
    };
    let mut encoding = Encoding::new(size, channels == 1, options).unwrap();
    let frame = encoding.frame;
    let units = encoding.transform(picture).unwrap();
    let got = encoding.clone().code(&units);
    let factors = (frame.h as i32, frame.v as i32);
    let case = format!("{size:?} {channels} {content:?} {options:?}");
    if options.restart_interval == 0 {
        let file = libjpeg(size, &data, options, factors, channels);
        let expected = data_of(&file).strip_suffix(&[0xff, 0xd9]).unwrap();
        assert!(got == expected, "{case}");
    } else {
        // The reference has no restart markers, and the same pixels.
        let pixels = |options: &SaveOptions| {
            let mut file = Cursor::new(Vec::new());
            write(picture, options, &mut file).unwrap();
            let decoder = mozjpeg::Decompress::new_mem(file.get_ref()).unwrap();
            let mut decoder = decoder.rgb().unwrap();
            decoder.read_scanlines::<[u8; 3]>().unwrap()
        };
        let plain = options.clone().restart_interval(0);
        assert!(pixels(options) == pixels(&plain), "{case}");
    }

    let pixel = pixel_of(size, &data);
    let coefficients = cpu_emulation::forward(&frame, &encoding.divisors(), pixel);
    if encoding.is_optimized {
        encoding.optimize(&cpu_emulation::histogram(&frame, &coefficients));
    }
    let emulated = cpu_emulation::encode(&frame, &coefficients, &encoding.codes());
    assert!(emulated == got, "kernels: {case}");
}

/// Pictures of every content with every subsampling. Their sides are just below, at and above
/// multiples of blocks and MCUs.
fn pictures() -> impl Iterator<Item = ((u32, u32), Subsampling, Content)> {
    let sizes = [
        (1, 1),
        (8, 8),
        (9, 7),
        (16, 16),
        (17, 33),
        (31, 15),
        (100, 3),
        (3, 100),
        (149, 75),
        (300, 201),
    ];
    let subsamplings = [
        Subsampling::Yuv444,
        Subsampling::Yuv422,
        Subsampling::Yuv420,
    ];
    let contents = [Content::Flat, Content::Noise, Content::Waves];
    sizes.into_iter().flat_map(move |size| {
        let of = move |subsampling| contents.map(|content| (size, subsampling, content));
        subsamplings.into_iter().flat_map(of)
    })
}

#[test]
fn data_are_libjpegs() {
    let mut number = 0;
    for (size, subsampling, content) in pictures() {
        for (channels, optimize) in [(3, false), (3, true), (1, false), (1, true)] {
            number += 1;
            let quality = [1, 10, 50, 75, 90, 95, 100][number % 7];
            let interval = [0, 0, 1, 2, 7, 64, 1000][number / 7 % 7];
            let options = SaveOptions::new()
                .quality(quality)
                .subsampling(subsampling)
                .optimize_huffman(optimize)
                .restart_interval(interval);
            check(size, channels, content, &options);
        }
    }
}

/// The file from its first scan on, with that scan's tables.
fn scans_of(file: &[u8]) -> &[u8] {
    let mut at = 2;
    while ![0xc4, 0xda].contains(&file[at + 1]) {
        at += 2 + usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
    }
    &file[at..]
}

/// Pixels in libjpeg's form: rows of `channels` bytes a pixel.
fn decoded(file: &[u8], channels: usize) -> Vec<u8> {
    let decoder = mozjpeg::Decompress::new_mem(file).unwrap();
    if channels == 1 {
        let mut decoder = decoder.grayscale().unwrap();
        return decoder.read_scanlines::<u8>().unwrap();
    }
    let mut decoder = decoder.rgb().unwrap();
    decoder.read_scanlines::<[u8; 3]>().unwrap().concat()
}

fn check_progressive(size: (u32, u32), channels: usize, content: Content, options: &SaveOptions) {
    let data = pixels(size, channels, content);
    let picture = Pixels {
        width: size.0,
        height: size.1,
        layout: if channels == 1 {
            Layout::L8
        } else {
            Layout::Rgb8
        },
        data: &data,
    };
    let write = |options: &SaveOptions| {
        let mut file = Cursor::new(Vec::new());
        write(picture, options, &mut file).unwrap();
        file.into_inner()
    };
    let ours = |file: &[u8]| {
        let mut pixels = vec![0; data.len()];
        Jpeg::read(file, false)
            .unwrap()
            .decode(&mut pixels)
            .unwrap();
        pixels
    };
    let case = format!("{size:?} {channels} {content:?} {options:?}");
    let got = write(options);
    let baseline = write(&options.clone().progressive(false));
    if options.restart_interval == 0 {
        let frame = Encoding::new(size, channels == 1, options).unwrap().frame;
        let factors = (frame.h as i32, frame.v as i32);
        let expected = libjpeg(size, &data, options, factors, channels);
        assert!(scans_of(&got) == scans_of(&expected), "{case}");
    }
    assert!(ours(&got) == ours(&baseline), "{case}");
    // By one thread and by several, and from the coefficients that kernels make.
    let encoding = Encoding::new(size, channels == 1, options).unwrap();
    let scans = scans_of(&got);
    let scans = &scans[..scans.len() - 2];
    for is_alone in [true, false] {
        assert!(
            progressive::encode_by(is_alone, &encoding, picture).unwrap() == scans,
            "{is_alone}: {case}"
        );
        let coefficients =
            cpu_emulation::forward(&encoding.frame, &encoding.divisors(), pixel_of(size, &data));
        let coefficients = coefficients.blocks.as_flattened();
        let coded = progressive::encode_coefficients_by(is_alone, &encoding, coefficients);
        assert!(coded.unwrap() == scans, "kernels, {is_alone}: {case}");
    }
    assert!(
        decoded(&got, channels) == decoded(&baseline, channels),
        "libjpeg: {case}"
    );
}

#[test]
fn progressive_scans_are_libjpegs() {
    let mut number = 0;
    for (size, subsampling, content) in pictures() {
        for channels in [3, 1] {
            for interval in [0, [1, 2, 7, 64, 1000][number % 5]] {
                number += 1;
                let options = SaveOptions::new()
                    .quality([1, 10, 50, 75, 90, 95, 100][number / 2 % 7])
                    .subsampling(subsampling)
                    .progressive(true)
                    .restart_interval(interval);
                check_progressive(size, channels, content, &options);
            }
        }
    }
}

/// More empty blocks than one end-of-block run can hold, and more correction bits than libjpeg lets
/// wait for the end of a run.
#[test]
fn long_runs_of_blocks_are_cut_as_libjpegs() {
    let options = SaveOptions::new().quality(50).progressive(true);
    for channels in [1, 3] {
        check_progressive((1500, 1500), channels, Content::Flat, &options);
        check_progressive((300, 201), channels, Content::Stripes, &options);
    }
}
