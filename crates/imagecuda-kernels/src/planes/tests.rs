use super::*;
use crate::orient::Orientation;
use std::{vec, vec::Vec};

/// Planes behind each other, of one byte a sample.
fn planar(size: [u32; 2], shifts: [[u32; 2]; 4]) -> (Picture, usize) {
    let mut start = 0;
    let planes = shifts.map(|[across, down]| {
        let sides = [
            (size[0] + (1 << across) - 1) >> across,
            (size[1] + (1 << down) - 1) >> down,
        ];
        let plane = Plane {
            start,
            pitch: sides[0],
            step: 1,
            across,
            down,
            ..Plane::default()
        };
        start += u64::from(sides[0] * sides[1]);
        plane
    });
    let picture = Picture {
        planes,
        coded: size,
        view: View::whole(size[0], size[1]),
        ..Picture::default()
    };
    (picture, start as usize)
}

fn full(bits: u32, chroma: bool) -> Range {
    Range {
        black: if chroma {
            (1 << (bits - 1)) as f32
        } else {
            0.0
        },
        whole: ((1 << bits) - 1) as f32,
    }
}

/// BT.709's matrix for the planes of chroma.
fn bt_709() -> [[f32; 2]; 3] {
    let (red, blue) = (0.2126_f64, 0.0722);
    let green = 1.0 - red - blue;
    [
        [0.0, 2.0 * (1.0 - red)],
        [
            -2.0 * blue * (1.0 - blue) / green,
            -2.0 * red * (1.0 - red) / green,
        ],
        [2.0 * (1.0 - blue), 0.0],
    ]
    .map(|row| row.map(|v| v as f32))
}

/// The equations of ITU-T H.273, backwards: RGB of 0 to 1 to luma and chroma.
fn coded(rgb: [f64; 3], (red, blue): (f64, f64)) -> [f64; 3] {
    let [r, g, b] = rgb;
    let luma = red * r + (1.0 - red - blue) * g + blue * b;
    [
        luma,
        (b - luma) / (2.0 * (1.0 - blue)),
        (r - luma) / (2.0 * (1.0 - red)),
    ]
}

#[test]
fn colours_come_back_in_every_depth_and_range() {
    for bits in [8, 10, 12, 16] {
        for limited in [false, true] {
            let step = f64::from(1_u32 << (bits - 8));
            let most = f64::from((1_u32 << bits) - 1);
            let [luma, chroma, zero] = match limited {
                true => [219.0 * step, 224.0 * step, 16.0 * step],
                false => [most, most, 0.0],
            };
            let (mut picture, length) = planar([1, 1], [[0, 0]; 4]);
            picture.model = model::MATRIX;
            picture.matrix = bt_709();
            picture.ranges[0] = Range {
                black: zero as f32,
                whole: luma as f32,
            };
            for range in &mut picture.ranges[1..3] {
                *range = Range {
                    black: (128.0 * step) as f32,
                    whole: chroma as f32,
                };
            }
            for i in 0..7_u32 * 7 * 7 {
                let rgb = [i % 7, i / 7 % 7, i / 49].map(|c| f64::from(c) / 6.0);
                let [y, u, v] = coded(rgb, (0.2126, 0.0722));
                let sample = |v: f64| v.round().clamp(0.0, most) as u16;
                let mut samples = vec![0_u16; length];
                samples[0] = sample(y * luma + zero);
                samples[1] = sample(u * chroma + 128.0 * step);
                samples[2] = sample(v * chroma + 128.0 * step);
                let RgbaF32([r, g, b, a]) = pixel(&picture, &samples.as_slice(), 0, 0);
                assert_eq!(a, 1.0);
                for (made, exact) in [r, g, b].into_iter().zip(rgb) {
                    // Half a step of luma, and of both planes of chroma.
                    let far = (f64::from(made) - exact).abs();
                    assert!(far < 2.0 / luma, "{bits} {limited}: {made}, {exact}");
                }
            }
        }
    }
}

#[test]
fn each_pixel_has_the_samples_of_its_block() {
    for shift in [[0, 0], [1, 0], [1, 1]] {
        let size = [5, 3];
        let (mut picture, length) = planar(size, [[0, 0], shift, shift, [0, 0]]);
        picture.model = model::RGB;
        picture.alpha = alpha::STRAIGHT;
        picture.ranges = [full(8, false); 4];
        let samples: Vec<u8> = (0..length as u8).collect();
        let width = (size[0] + (1 << shift[0]) - 1) >> shift[0];
        let height = (size[1] + (1 << shift[1]) - 1) >> shift[1];
        for y in 0..size[1] {
            for x in 0..size[0] {
                let block = (y >> shift[1]) * width + (x >> shift[0]);
                let expected = [
                    y * 5 + x,
                    15 + block,
                    15 + width * height + block,
                    15 + 2 * width * height + y * 5 + x,
                ];
                let expected = expected.map(|v| unit_from_u8(v as u8));
                let made = pixel(&picture, &samples.as_slice(), x, y);
                assert_eq!(made, RgbaF32(expected), "{shift:?} {x} {y}");
            }
        }
    }
}

/// NV12 and P016: chroma in pairs, and samples in the high bits.
#[test]
fn interleaved_chroma_and_high_bits_are_the_same_picture() {
    let size = [6, 4];
    let (mut picture, length) = planar(size, [[0, 0], [1, 1], [1, 1], [0, 0]]);
    picture.model = model::MATRIX;
    picture.matrix = bt_709();
    picture.ranges = [
        full(10, false),
        full(10, true),
        full(10, true),
        full(10, false),
    ];
    let samples: Vec<u16> = (0..length as u16).map(|i| i * 37 % 1024).collect();
    let mut paired = picture;
    let mut pairs: Vec<[u8; 2]> = Vec::new();
    let put = |pairs: &mut Vec<[u8; 2]>, v: u16| pairs.push((v << 6).to_ne_bytes());
    samples[..24].iter().for_each(|&v| put(&mut pairs, v));
    for i in 0..6 {
        put(&mut pairs, samples[24 + i]);
        put(&mut pairs, samples[30 + i]);
    }
    for (number, plane) in paired.planes.iter_mut().enumerate() {
        plane.shift = 6;
        if number == 1 || number == 2 {
            *plane = Plane {
                start: 24 + number as u64 - 1,
                pitch: 6,
                step: 2,
                ..*plane
            };
        }
    }
    for y in 0..size[1] {
        for x in 0..size[0] {
            let planar = pixel(&picture, &samples.as_slice(), x, y);
            assert_eq!(planar, pixel(&paired, &pairs.as_slice(), x, y));
        }
    }
}

#[test]
fn premultiplied_colours_are_divided() {
    let (mut picture, _) = planar([1, 1], [[0, 0]; 4]);
    picture.model = model::RGB;
    picture.alpha = alpha::PREMULTIPLIED;
    picture.ranges = [full(8, false); 4];
    for (samples, expected) in [
        (
            [100_u8, 50, 25, 128],
            [100.0 / 128.0, 50.0 / 128.0, 25.0 / 128.0],
        ),
        ([200, 128, 0, 128], [1.0, 1.0, 0.0]),
        ([51, 0, 255, 0], [0.2, 0.0, 1.0]),
    ] {
        let RgbaF32([r, g, b, a]) = pixel(&picture, &&samples[..], 0, 0);
        assert_eq!(a, f32::from(samples[3]) / 255.0);
        for (made, expected) in [r, g, b].into_iter().zip(expected) {
            assert!((made - expected).abs() < 1e-6, "{samples:?}");
        }
    }
}

/// The forward transform of H.273, in integers, comes back without a loss.
#[test]
fn reversible_colours_come_back_exactly() {
    let (mut picture, _) = planar([1, 1], [[0, 0]; 4]);
    picture.model = model::REVERSIBLE;
    picture.ranges[0] = full(8, false);
    for range in &mut picture.ranges[1..3] {
        range.black = 512.0;
    }
    for i in 0..18_u32 * 18 * 18 {
        let rgb = [i % 18, i / 18 % 18, i / 324].map(|c| (15 * c) as i32);
        let [r, g, b] = rgb;
        let orange = r - b;
        let rest = b + (orange >> 1);
        let green = g - rest;
        let luma = rest + (green >> 1);
        let samples = [luma, green + 512, orange + 512, 0].map(|v| v as u16);
        let RgbaF32([r, g, b, _]) = pixel(&picture, &&samples[..], 0, 0);
        assert_eq!([r, g, b], rgb.map(|c| c as f32 / 255.0));
    }
}

#[test]
fn views_turn_and_crop() {
    let view = View::whole(7, 5).cropped([2, 1], [4, 3]);
    assert_eq!(view.coded(0, 0), [2, 1]);
    assert_eq!(view.coded(3, 2), [5, 3]);
    let mirrored = view.mirrored();
    assert_eq!(mirrored.coded(0, 2), [5, 3]);
    assert_eq!(mirrored.mirrored(), view);
    let turned = mirrored.transposed();
    assert_eq!(turned.size, [3, 4]);
    assert_eq!(turned.coded(2, 0), [5, 3]);
    assert_eq!(turned.transposed(), mirrored);
}

#[test]
fn oriented_views_show_what_orientations_show() {
    let (width, height) = (4, 3);
    for orientation in Orientation::ALL {
        let view = View::whole(width, height).oriented(orientation);
        let (w, h) = orientation.size(width, height);
        assert_eq!(view.size, [w, h], "{orientation:?}");
        for y in 0..h {
            for x in 0..w {
                let [from_x, from_y] = view.coded(x, y);
                let place = orientation.source(x as usize, y as usize, w as usize, h as usize);
                assert_eq!((from_y * width + from_x) as usize, place, "{orientation:?}");
            }
        }
    }
}
