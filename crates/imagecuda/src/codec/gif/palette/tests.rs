use super::*;

struct Random(u32);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 9) as u8
    }
}

/// Makes a frame of RGBA pixels, and gives the pixels that it shows.
fn shown(width: u32, data: &[Color]) -> Vec<Color> {
    let pixels = Pixels {
        width,
        height: data.len() as u32 / width,
        layout: Layout::Rgba8,
        data: data.as_flattened(),
    };
    let frame = frame(&pixels).unwrap();
    let palette = frame.palette.as_ref().unwrap().as_chunks::<3>().0;
    assert!(palette.len() <= MOST);
    let color = |&number: &u8| match frame.transparent == Some(number) {
        true => [0; 4],
        false => {
            let [r, g, b] = palette[usize::from(number)];
            [r, g, b, 255]
        }
    };
    frame.buffer.iter().map(color).collect()
}

/// The peak signal-to-noise ratio of the colours, in dB.
fn psnr(shown: &[Color], data: &[Color]) -> f64 {
    let differences = shown.as_flattened().iter().zip(data.as_flattened());
    let squares = differences.map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    let samples = 3.0 * data.len() as f64;
    10.0 * (255.0 * 255.0 * samples / squares.sum::<f64>()).log10()
}

/// Columns of all hues, dark at the top.
fn hues(width: u32, height: u32) -> Vec<Color> {
    let mut data = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let light = f64::from(y + 1) / f64::from(height);
            let hue = f64::from(x) / f64::from(width) * 6.0;
            let [r, g, b] = [0.0, 2.0, 4.0].map(|at| {
                let near = (hue - at + 6.0) % 6.0;
                let part = (2.0 - (near - 1.0).abs().min(6.0 - (near - 1.0).abs())).clamp(0.0, 1.0);
                (255.0 * light * part) as u8
            });
            data.push([r, g, b, 255]);
        }
    }
    data
}

/// No width is worse than its neighbours. Steps through the rows that fit the width found a few
/// columns alone.
#[test]
fn the_width_makes_no_difference() {
    let found: Vec<f64> = [100, 250, 478, 491, 498, 499, 500, 501, 503, 512]
        .map(|width| {
            let data = hues(width, 128);
            psnr(&shown(width, &data), &data)
        })
        .to_vec();
    let least = found.iter().copied().fold(f64::MAX, f64::min);
    let most = found.iter().copied().fold(0.0, f64::max);
    assert!(least > 29.0 && most - least < 2.0, "{found:?}");
}

/// Pictures of few pixels are seen whole.
#[test]
fn small_pictures_have_good_palettes() {
    for (width, height) in [(20, 20), (32, 32), (64, 48)] {
        let data = hues(width, height);
        let found = psnr(&shown(width, &data), &data);
        assert!(found > 29.0, "{width}x{height}: {found}");
    }
}

/// Dark pixels are no transparent ones, and the other way.
#[test]
fn transparent_pixels_alone_are_transparent() {
    let mut random = Random(5);
    for dark in [1, 2, 4, 40] {
        let mut data = hues(120, 80);
        for (number, pixel) in data.iter_mut().enumerate() {
            match number % 7 {
                0 => *pixel = [0; 4],
                1 => {
                    *pixel = [
                        random.byte() % dark,
                        random.byte() % dark,
                        random.byte() % dark,
                        255,
                    ]
                }
                2 => *pixel = [0, 0, 0, 255],
                _ => {}
            }
        }
        let shown = shown(120, &data);
        for (shown, pixel) in shown.iter().zip(&data) {
            assert_eq!(shown[3], pixel[3], "{shown:?} for {pixel:?}");
        }
        assert!(psnr(&shown, &data) > 30.0);
    }
}

/// A few colours are kept, 256 or 255 beside a transparent one. One more are not.
#[test]
fn few_colours_are_exact() {
    for (count, has_clear) in [(1, true), (2, false), (255, true), (256, false)] {
        let number = |i: usize| i * 7 % count;
        let pixel = |i: usize| match has_clear && i.is_multiple_of(5) {
            true => [0; 4],
            false => [number(i) as u8, 255 - number(i) as u8, 0, 255],
        };
        let data: Vec<Color> = (0..64 * 64).map(pixel).collect();
        assert!(shown(64, &data) == data, "{count}");
    }
    let number = |i: usize| (i * 7 % 256) as u8;
    let pixel = |i: usize| match i.is_multiple_of(5) {
        true => [0; 4],
        false => [number(i), 255 - number(i), 0, 255],
    };
    let data: Vec<Color> = (0..64 * 64).map(pixel).collect();
    let shown = shown(64, &data);
    assert!(shown != data);
    assert!(shown.iter().zip(&data).all(|(a, b)| a[3] == b[3]));
}

#[test]
fn the_nearest_colour_is_found() {
    let mut random = Random(3);
    for length in [1, 2, 17, 255, 256] {
        for mask in [0xff, 0x81, 0x0f] {
            let mut color = || {
                [
                    random.byte() & mask,
                    random.byte() & mask,
                    random.byte() & mask,
                ]
            };
            let mut palette: Vec<_> = (0..length).map(|_| color()).collect();
            palette.sort_unstable_by_key(|color| color[1]);
            let nearest = Nearest::new(&palette);
            for _ in 0..300 {
                let [r, g, b] = color();
                let distance = |color: [u8; 3]| -> u32 {
                    let pairs = color.into_iter().zip([r, g, b]);
                    pairs.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
                };
                let least = palette.iter().map(|&color| distance(color)).min();
                let found = nearest.number([r, g, b, 255]);
                assert_eq!(Some(distance(palette[usize::from(found)])), least);
            }
        }
    }
}

/// Samples are of all parts of the picture, as often as each other, and in no order.
#[test]
fn samples_are_mixed() {
    for count in [1_usize, 300, 29_999, 30_001, 299_999, 300_100] {
        let color = |number: usize| (number as u32).to_le_bytes();
        let samples = samples((0..count).map(color), count).unwrap();
        let wanted = (count / 10).max(count.min(30_000));
        let times = FEWEST.div_ceil(wanted);
        assert_eq!(samples.len(), wanted * times);
        let mut numbers: Vec<usize> = samples
            .iter()
            .map(|&color| u32::from_le_bytes(color) as usize)
            .collect();
        let in_place = numbers.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!(
            count < 9 || in_place.abs_diff(samples.len() / 2) < samples.len() / 8,
            "{count}"
        );
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), wanted);
        for (part, number) in numbers.into_iter().enumerate() {
            let start = |part: usize| part * count / wanted;
            assert!((start(part)..start(part + 1)).contains(&number));
        }
    }
}
