//! OpenEXR: which channels make a picture, and what they mean. The files are written sample by sample.

mod layers;

use crate::support::{
    Noise,
    exr::{Channel, Type, attribute, file, half, header, part},
    same,
};
use imagecuda::{
    ColorPolicy, Device, ErrorKind, Format, Image, LoadOptions, SaveOptions, Scale, inspect_bytes,
};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        gray_has_one_channel_or_two,
        names_may_be_long_and_small,
        integers_are_shares_of_the_largest,
        the_display_window_is_the_picture,
        luminance_and_chroma_become_colours,
        blocks_of_flat_chroma_are_read,
        other_primaries_are_converted,
        raw_premultiplied_pixels_are_not_multiplied_again,
        what_cannot_be_decoded_is_refused_in_words,
    ]);
    trials.extend(layers::trials());
    trials
}

/// IEC 61966-2-1.
fn srgb(v: f64) -> f64 {
    match v.abs() {
        a if a <= 0.003_130_8 => v * 12.92,
        a => (1.055 * a.powf(1.0 / 2.4) - 0.055).copysign(v),
    }
}

/// The pixels, or why there are none.
fn load(device: &Device, options: &LoadOptions, file: &[u8]) -> Result<(u32, Vec<f32>), String> {
    let image = options.decode(device, file);
    let image = image.map_err(|error| {
        assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error}");
        error.to_string()
    })?;
    Ok((image.width(), image.download().unwrap()))
}

/// That the file shows, pixel by pixel, this linear light.
#[track_caller]
fn shows(
    device: &Device,
    options: &LoadOptions,
    file: &[u8],
    expected: impl Fn(i32, i32) -> [f64; 4],
) {
    let (width, pixels) = load(device, options, file).unwrap();
    // Eight bits are the floats, rounded.
    let bytes = options.decode_u8(device, file).unwrap();
    let rounded = options.decode(device, file).unwrap().to_u8().unwrap();
    same(
        &bytes.download().unwrap(),
        &rounded.download().unwrap(),
        "8 bits",
    );
    for (i, pixel) in pixels.chunks(4).enumerate() {
        let (x, y) = (i as i32 % width as i32, i as i32 / width as i32);
        let [r, g, b, alpha] = expected(x, y);
        for (got, exact) in pixel.iter().zip([srgb(r), srgb(g), srgb(b), alpha]) {
            assert!(
                (f64::from(*got) - exact).abs() < 1e-4,
                "{x} {y}: {pixel:?} for {exact}"
            );
        }
    }
}

fn red(x: i32, y: i32) -> f64 {
    f64::from(x + 6 * y + 1) / 32.0
}

fn green(x: i32, y: i32) -> f64 {
    f64::from(y + 1) / 8.0 + f64::from(x) / 16.0
}

fn blue(x: i32, _: i32) -> f64 {
    f64::from(x * x) / 32.0
}

fn zero(_: i32, _: i32) -> f64 {
    0.0
}

fn gray_has_one_channel_or_two(device: &Device) {
    let plain = LoadOptions::new();
    for kind in [Type::Half, Type::Float] {
        let y = ("Y", kind, 1, &red as _);
        let gray = file(&[part(vec![y])]);
        assert_eq!(inspect_bytes(&gray).unwrap().channels(), 1);
        shows(device, &plain, &gray, |x, y| {
            [red(x, y), red(x, y), red(x, y), 1.0]
        });
        // Colours are multiplied by alpha.
        let both = file(&[part(vec![("A", kind, 1, &|_, _| 0.5), y])]);
        assert_eq!(inspect_bytes(&both).unwrap().channels(), 2);
        shows(device, &plain, &both, |x, y| {
            let gray = red(x, y) / 0.5;
            [gray, gray, gray, 0.5]
        });
    }
}

fn names_may_be_long_and_small(device: &Device) {
    for [b, g, r] in [
        ["b", "g", "r"],
        ["blue", "green", "red"],
        ["Blue", "Green", "Red"],
        ["BLUE", "GREEN", "RED"],
    ] {
        let channels = vec![
            (b, Type::Half, 1, &blue as _),
            (g, Type::Float, 1, &green as _),
            (r, Type::Half, 1, &red as _),
        ];
        shows(
            device,
            &LoadOptions::new(),
            &file(&[part(channels)]),
            |x, y| [red(x, y), green(x, y), blue(x, y), 1.0],
        );
    }
}

fn integers_are_shares_of_the_largest(device: &Device) {
    let third = |x: i32, y: i32| f64::from(u32::MAX / 3) * f64::from((x + y) % 4);
    let channels = vec![("Y", Type::Uint, 1, &third as _)];
    shows(
        device,
        &LoadOptions::new(),
        &file(&[part(channels)]),
        |x, y| {
            let share = f64::from((x + y) % 4) / 3.0;
            [share, share, share, 1.0]
        },
    );
}

fn colors<'a>(names: [&'a str; 3], turn: usize) -> Vec<Channel<'a>> {
    let mut samples: [&dyn Fn(i32, i32) -> f64; 3] = [&blue, &green, &red];
    samples.rotate_left(turn);
    let channels = names.into_iter().zip(samples);
    channels
        .map(|(name, sample)| (name, Type::Float, 1, sample))
        .collect()
}

fn the_display_window_is_the_picture(device: &Device) {
    for (data, display) in [
        ([0, 0, 5, 3], [0, 0, 9, 9]),
        ([2, 1, 5, 3], [0, 0, 5, 3]),
        ([-3, -2, 8, 7], [0, 0, 5, 3]),
        ([10, -20, 14, -18], [8, -21, 13, -19]),
        ([0, 0, 5, 3], [50, 50, 53, 53]),
    ] {
        let mut windows = part(colors(["B", "G", "R"], 0));
        (windows.data, windows.display) = (data, display);
        let sample = |f: fn(i32, i32) -> f64, x, y| f(x, y);
        shows(device, &LoadOptions::new(), &file(&[windows]), |x, y| {
            let (x, y) = (x + display[0], y + display[1]);
            match (data[0]..=data[2]).contains(&x) && (data[1]..=data[3]).contains(&y) {
                true => [
                    sample(red, x, y),
                    sample(green, x, y),
                    sample(blue, x, y),
                    1.0,
                ],
                false => [0.0, 0.0, 0.0, 1.0],
            }
        });
    }
}

/// Rec. 709.
const WEIGHTS: [f64; 3] = [0.212_639, 0.715_169, 0.072_192];

fn of_chroma(y: f64, ry: f64, by: f64) -> [f64; 3] {
    let (r, b) = ((ry + 1.0) * y, (by + 1.0) * y);
    [r, (y - r * WEIGHTS[0] - b * WEIGHTS[2]) / WEIGHTS[1], b]
}

fn luminance_and_chroma_become_colours(device: &Device) {
    let (width, height) = (64, 48);
    let luminance = |x: i32, y: i32| 0.25 + f64::from((x * 7 + y * 3) % 16) / 64.0;
    let ry = |x: i32, y: i32| f64::from(x - y) / 512.0;
    let by = |x: i32, y: i32| f64::from(x + y) / 1024.0 - 0.05;
    let mut subsampled = part(vec![
        ("BY", Type::Float, 2, &by as _),
        ("RY", Type::Float, 2, &ry as _),
        ("Y", Type::Float, 1, &luminance as _),
    ]);
    subsampled.data = [-2, 4, width - 3, height + 3];
    subsampled.display = subsampled.data;
    let bytes = file(&[subsampled]);
    let (_, pixels) = load(device, &LoadOptions::new(), &bytes).unwrap();
    // Chroma that grows evenly stays so between its samples, but for the edges.
    for y in 13..height - 14 {
        for x in 13..width - 14 {
            let (there_x, there_y) = (x - 2, y + 4);
            let exact = of_chroma(
                luminance(there_x, there_y),
                ry(there_x, there_y),
                by(there_x, there_y),
            );
            let pixel = &pixels[((y * width + x) * 4) as usize..][..4];
            for (got, exact) in pixel.iter().zip(exact.map(srgb)) {
                assert!(
                    (f64::from(*got) - exact).abs() < 2e-3,
                    "{x} {y}: {got} for {exact}"
                );
            }
        }
    }
    // Chroma at every pixel needs no filter.
    let whole = part(vec![
        ("BY", Type::Float, 1, &by as _),
        ("RY", Type::Float, 1, &ry as _),
        ("Y", Type::Float, 1, &luminance as _),
    ]);
    shows(device, &LoadOptions::new(), &file(&[whole]), |x, y| {
        let [r, g, b] = of_chroma(luminance(x, y), ry(x, y), by(x, y));
        [r, g, b, 1.0]
    });
}

/// B44 has three bytes for 4x4 samples that are the same.
fn blocks_of_flat_chroma_are_read(device: &Device) {
    const B44A: u8 = 7;
    let mut flat = part(vec![
        ("BY", Type::Half, 2, &zero as _),
        ("RY", Type::Half, 2, &zero as _),
        ("Y", Type::Half, 1, &zero as _),
    ]);
    (flat.data, flat.display) = ([0, 0, 11, 9], [0, 0, 11, 9]);
    let mut bytes = b"\x76\x2f\x31\x01\x02\0\0\0".to_vec();
    bytes.extend(header(&flat, B44A, 1));
    bytes.extend((bytes.len() as u64 + 8).to_le_bytes());
    // Two rows of blocks are four of chroma's 6x5 samples, and nine are luminance's 12x10.
    let block = |v: f64, count: usize| {
        let ordered = half(v) | 0x8000;
        let [high, low] = ordered.to_be_bytes();
        [high, low, 0xfc].repeat(count)
    };
    let data = [block(0.25, 4), block(0.5, 4), block(0.375, 9)].concat();
    bytes.extend(0_i32.to_le_bytes());
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    let [r, g, b] = of_chroma(0.375, 0.5, 0.25);
    shows(device, &LoadOptions::new(), &bytes, |_, _| [r, g, b, 1.0]);
}

fn other_primaries_are_converted(device: &Device) {
    // Display P3, and what it is in sRGB's primaries.
    let points = [0.68_f32, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.3290];
    let mut p3 = part(colors(["B", "G", "R"], 0));
    let points = points.map(f32::to_le_bytes);
    p3.more = attribute("chromaticities", "chromaticities", points.as_flattened());
    let p3 = file(&[p3]);
    shows(device, &LoadOptions::new(), &p3, |x, y| {
        let (r, g, b) = (red(x, y), green(x, y), blue(x, y));
        [
            1.224_940_2 * r - 0.224_940_2 * g,
            -0.042_056_9 * r + 1.042_056_9 * g,
            -0.019_637_6 * r - 0.078_636_1 * g + 1.098_273_7 * b,
            1.0,
        ]
    });
    let raw = LoadOptions::new().color_policy(ColorPolicy::Raw);
    let (_, pixels) = load(device, &raw, &p3).unwrap();
    assert_eq!(f64::from(pixels[0]), red(0, 0));
}

fn what_cannot_be_decoded_is_refused_in_words(device: &Device) {
    let mut deep = part(colors(["B", "G", "R"], 0));
    (deep.name, deep.kind) = (Some("deep"), "deepscanline");
    let mut deep = file(&[deep]);
    deep[5] |= 8;
    let error = load(device, &LoadOptions::new(), &deep).unwrap_err();
    assert!(error.contains("deep"), "{error}");
    let plain = file(&[part(colors(["B", "G", "R"], 0))]);
    let at = plain
        .windows(12)
        .position(|name| name == b"compression\0")
        .unwrap()
        + 28;
    for number in [10, 11] {
        let mut htj2k = plain.clone();
        htj2k[at] = number;
        let error = load(device, &LoadOptions::new(), &htj2k).unwrap_err();
        assert!(error.contains("JPEG 2000"), "{error}");
    }
    for number in [12, 13, 255] {
        let mut newer = plain.clone();
        newer[at] = number;
        let error = load(device, &LoadOptions::new(), &newer).unwrap_err();
        assert!(
            error.contains(&format!("not supported: OpenEXR of compression {number}")),
            "{error}"
        );
    }
    // Whatever else its bytes are, a file gives a picture or an error.
    let mut noise = Noise::new(7);
    for _ in 0..300 {
        let mut damaged = plain.clone();
        let at = noise.next() as usize % damaged.len();
        damaged[at] = noise.next() as u8;
        let _ = LoadOptions::new()
            .max_pixels(1 << 16)
            .decode(device, &damaged);
    }
}

/// `Raw` keeps the colours as they are stored: multiplied by alpha. So their mean needs no weights.
fn raw_premultiplied_pixels_are_not_multiplied_again(device: &Device) {
    let mut image = Image::new(device, 2, 2).unwrap();
    let pixels = (0..4).flat_map(|i| [0.9, 0.2 * i as f32, 0.5, 0.05 + 0.1 * (i * i) as f32]);
    image.upload(&pixels.collect::<Vec<_>>()).unwrap();
    let file = SaveOptions::new().encode(&image, Format::Exr).unwrap();
    let raw = LoadOptions::new().color_policy(ColorPolicy::Raw);
    let (_, stored) = load(device, &raw, &file).unwrap();
    // Of a square, Lanczos weighs all four pixels alike too.
    for smaller in [raw.clone().scale(Scale::Half), raw.fit(1, 1)] {
        let (_, mean) = load(device, &smaller, &file).unwrap();
        assert_eq!(mean.len(), 4);
        for (channel, found) in mean.into_iter().enumerate() {
            let expected = stored.iter().skip(channel).step_by(4).sum::<f32>() / 4.0;
            assert!(
                (found - expected).abs() < 1e-5,
                "{channel}: {found}, {expected}"
            );
        }
    }
}
