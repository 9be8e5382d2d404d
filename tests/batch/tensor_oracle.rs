//! Batches of tensors against formulas in double precision, from pixels that another decoder reads.

use crate::support::{Noise, crc32};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use imagecuda::{Device, TensorChannels, TensorFit, TensorLayout, TensorOptions, batch::Loader};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        batches_are_those_of_double_precision,
        another_mean_is_noticed,
    ])
}

/// A picture as viewed: straight RGBA from 0.0 to 1.0.
struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<[f64; 4]>,
}

/// A PNG of noise with EXIF's orientation, gray, RGB or RGBA by its number. `None` for a broken file.
fn file(number: usize) -> (Vec<u8>, Option<Picture>) {
    if number == 4 {
        return (b"no picture".to_vec(), None);
    }
    let (width, height) = (12 + 7 * number as u32, 40 - 3 * number as u32);
    let (color, channels) = [
        (ExtendedColorType::L8, 1),
        (ExtendedColorType::Rgb8, 3),
        (ExtendedColorType::Rgba8, 4),
    ][number % 3];
    let samples = Noise::new(number as u64).bytes((width * height) as usize * channels);
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(&samples, width, height, color)
        .unwrap();
    let orientation = number % 8 + 1;
    let mut chunk = b"eXIfII*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    chunk.extend([orientation as u8, 0, 0, 0, 0, 0, 0, 0]);
    let length = (chunk.len() as u32 - 4).to_be_bytes();
    let crc = crc32(&chunk).to_be_bytes();
    let file = [&png[..33], &length, &chunk, &crc, &png[33..]].concat();

    let decoded = image::load_from_memory(&file).unwrap();
    let turned = match orientation {
        1 => decoded,
        2 => decoded.fliph(),
        3 => decoded.rotate180(),
        4 => decoded.flipv(),
        5 => decoded.rotate90().fliph(),
        6 => decoded.rotate90(),
        7 => decoded.rotate270().fliph(),
        _ => decoded.rotate270(),
    }
    .to_rgba8();
    let pixels = turned
        .pixels()
        .map(|pixel| pixel.0.map(|v| f64::from(v) / 255.0));
    let picture = Picture {
        width: turned.width() as usize,
        height: turned.height() as usize,
        pixels: pixels.collect(),
    };
    (file, Some(picture))
}

impl Picture {
    fn cropped(&self, [x, y, width, height]: [usize; 4]) -> Self {
        let row = |y: usize| &self.pixels[y * self.width + x..][..width];
        Self {
            width,
            height,
            pixels: (y..y + height).flat_map(row).copied().collect(),
        }
    }

    /// The part from `begin` to `end` on each axis, by a triangle filter that grows with the ratio. Colours
    /// are multiplied by alpha, which is 1.0 everywhere if it is ignored.
    fn resized(&self, axes: [(f64, f64, usize); 2], ignores_alpha: bool) -> Vec<[f64; 4]> {
        let sides = [self.width, self.height];
        let weights = [0, 1].map(|axis| {
            let (begin, end, positions) = axes[axis];
            let ratio = (end - begin) / positions as f64;
            (0..positions)
                .map(|at| {
                    let center = begin + (at as f64 + 0.5) * ratio;
                    let weight = |i| 1.0 - ((i as f64 + 0.5 - center) / ratio.max(1.0)).abs();
                    let all: Vec<f64> = (0..sides[axis]).map(|i| weight(i).max(0.0)).collect();
                    let sum: f64 = all.iter().sum();
                    all.into_iter().map(|weight| weight / sum).collect()
                })
                .collect::<Vec<Vec<f64>>>()
        });
        let mut out = Vec::new();
        for (down, across) in weights[1]
            .iter()
            .flat_map(|d| weights[0].iter().map(move |a| (d, a)))
        {
            let mut sum = [0.0; 4];
            for (y, wy) in down.iter().enumerate().filter(|(_, w)| **w > 0.0) {
                for (x, wx) in across.iter().enumerate().filter(|(_, w)| **w > 0.0) {
                    let [r, g, b, a] = self.pixels[y * self.width + x];
                    let alpha = if ignores_alpha { 1.0 } else { a };
                    for (sum, v) in sum.iter_mut().zip([r * alpha, g * alpha, b * alpha, alpha]) {
                        *sum += wy * wx * v;
                    }
                }
            }
            let [r, g, b, a] = sum;
            out.push([r / a, g / a, b / a, a]);
        }
        out
    }
}

const SIZE: [usize; 2] = [18, 15];
const PAD: [f32; 4] = [0.25, 0.5, 0.75, 1.0];
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];

/// A picture of a tensor in planes.
fn expected(picture: &Picture, channels: TensorChannels, fit: TensorFit) -> Vec<f64> {
    let (width, height) = (picture.width as f64, picture.height as f64);
    let [to_width, to_height] = SIZE.map(|side| side as f64);
    let is_wider = width * to_height > height * to_width;
    let whole = [(0.0, width, SIZE[0]), (0.0, height, SIZE[1])];
    let (axes, [left, top]) = match fit {
        TensorFit::Cover if is_wider => {
            let rest = (width - height * to_width / to_height) / 2.0;
            ([(rest, width - rest, SIZE[0]), whole[1]], [0, 0])
        }
        TensorFit::Cover => {
            let rest = (height - width * to_height / to_width) / 2.0;
            ([whole[0], (rest, height - rest, SIZE[1])], [0, 0])
        }
        TensorFit::Contain(_) if is_wider => {
            let rows = (height * to_width / width).round() as usize;
            ([whole[0], (0.0, height, rows)], [0, (SIZE[1] - rows) / 2])
        }
        TensorFit::Contain(_) => {
            let columns = (width * to_height / height).round() as usize;
            (
                [(0.0, width, columns), whole[1]],
                [(SIZE[0] - columns) / 2, 0],
            )
        }
        _ => (whole, [0, 0]),
    };
    let inner = picture.resized(axes, channels != TensorChannels::Rgba);
    let mut pixels = vec![PAD.map(f64::from); SIZE[0] * SIZE[1]];
    let columns = axes[0].2;
    for (i, pixel) in inner.into_iter().enumerate() {
        pixels[(top + i / columns) * SIZE[0] + left + i % columns] = pixel;
    }
    let mut planes = Vec::new();
    for c in 0..channels.count() {
        planes.extend(pixels.iter().map(|pixel| element(channels, pixel, c)));
    }
    planes
}

/// Channel `c` of a pixel.
fn element(channels: TensorChannels, [r, g, b, a]: &[f64; 4], c: usize) -> f64 {
    let (v, c) = match (channels, c) {
        (_, 3) => return *a,
        (TensorChannels::Gray, _) => (0.299 * r + 0.587 * g + 0.114 * b, 0),
        (TensorChannels::Bgr, c) => ([*b, *g, *r][c], 2 - c),
        (_, c) => ([*r, *g, *b][c], c),
    };
    (v - f64::from(MEAN[c])) / f64::from(STD[c])
}

/// A part of each picture, by its number.
fn region(number: usize, width: usize, height: usize) -> [usize; 4] {
    [number % 3, number % 2, width - 3, height - 2 - number % 4]
}

/// The largest difference of all elements of batches from what they should be.
fn difference(
    device: &Device,
    (channels, fit, layout): (TensorChannels, TensorFit, TensorLayout),
    mean: [f32; 3],
    (batch_size, skips): (usize, bool),
) -> f64 {
    let (files, pictures): (Vec<_>, Vec<_>) = (0..9).map(file).unzip();
    let options = TensorOptions::new()
        .channels(channels)
        .layout(layout)
        .fit(fit)
        .size(SIZE[0] as u32, SIZE[1] as u32)
        .mean(mean)
        .std(STD);
    let loader = Loader::new(device).options_by(|number, info, options| {
        let part = region(number, info.width() as usize, info.height() as usize);
        let [x, y, width, height] = part.map(|v| v as u32);
        options.region(x, y, width, height)
    });
    let batches = loader.tensors(files, &options, batch_size);
    let batches = if skips {
        batches.skip_failures()
    } else {
        batches
    };
    let (count, plane) = (channels.count(), SIZE[0] * SIZE[1]);
    let (mut got, mut results) = (Vec::new(), Vec::new());
    for batch in batches {
        let (tensor, sources) = batch.unwrap().into_parts();
        assert!(tensor.shape()[0] <= batch_size);
        let elements = tensor.download::<f32>().unwrap();
        got.extend(elements.chunks(count * plane).map(<[f32]>::to_vec));
        results.extend(sources.into_iter().map(|(_, result)| result.ok()));
    }
    let mut got = got.into_iter();
    let mut largest = 0.0_f64;
    assert_eq!(results.len(), pictures.len());
    for (number, (result, picture)) in results.into_iter().zip(pictures).enumerate() {
        let Some(picture) = picture else {
            assert_eq!(result, None);
            assert!(skips || got.next().unwrap().iter().all(|&v| v == 0.0));
            continue;
        };
        let part = picture.cropped(region(number, picture.width, picture.height));
        assert_eq!(result, Some((part.width as u32, part.height as u32)));
        let expected = expected(&part, channels, fit);
        for (i, v) in got.next().unwrap().into_iter().enumerate() {
            let at = match layout {
                TensorLayout::Nhwc => i % count * plane + i / count,
                _ => i,
            };
            largest = largest.max((f64::from(v) - expected[at]).abs());
        }
    }
    assert!(got.next().is_none());
    largest
}

fn batches_are_those_of_double_precision(device: &Device) {
    let layouts = [TensorLayout::Nchw, TensorLayout::Nhwc];
    let fits = [
        TensorFit::Stretch,
        TensorFit::Cover,
        TensorFit::Contain(PAD),
    ];
    let batches = [(1, false), (4, false), (4, true), (100, true), (9, false)];
    let mut turn = batches.into_iter().cycle();
    for channels in [
        TensorChannels::Rgb,
        TensorChannels::Bgr,
        TensorChannels::Rgba,
        TensorChannels::Gray,
    ] {
        for fit in fits {
            for layout in layouts {
                let batch = turn.next().unwrap();
                let kind = (channels, fit, layout);
                let largest = difference(device, kind, MEAN, batch);
                // Single precision, divided by the standard deviation.
                assert!(largest < 1e-5, "{kind:?} {batch:?}: {largest}");
            }
        }
    }
}

fn another_mean_is_noticed(device: &Device) {
    let kind = (TensorChannels::Bgr, TensorFit::Stretch, TensorLayout::Nchw);
    let [r, g, b] = MEAN;
    assert!(difference(device, kind, [b, g, r], (4, false)) > 0.1);
}
