//! Smaller pictures: JPEG at libjpeg-turbo's scales, means of squares for others, and what fits.

use super::orientation::{jpeg_with_exif, viewed};
use crate::support::{
    Noise, bits, jpegs,
    pictures::{self, png_with_exif},
    same,
};
use imagecuda::{
    Device, ErrorKind, Filter, Format, Image, ImageU8, JpegDecoder, Layout, LoadOptions,
    SaveOptions, Scale,
};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        jpeg_is_that_of_libjpeg_turbo,
        a_difference_is_found,
        a_region_of_a_scaled_jpeg_is_cut_from_it,
        others_are_means_of_squares,
        squares_begin_where_the_file_does,
        a_region_of_other_scaled_pictures_is_cut_from_them,
        a_picture_that_fits_is_as_it_is,
        what_does_not_fit_is_resampled,
        a_jpeg_that_does_not_fit_is_decoded_at_a_scale,
        eight_bits_are_the_floats_rounded,
        the_last_of_scale_and_fit_holds,
        no_room_is_an_error,
        a_scaled_jpeg_needs_memory_for_its_own_size,
    ])
}

const SCALES: [(Scale, u32); 3] = [(Scale::Half, 2), (Scale::Quarter, 4), (Scale::Eighth, 8)];

/// What a CMYK file loads as depends on the conversion of colours, which comes afterwards.
fn is_comparable(reference: &jpegs::Reference) -> bool {
    reference.components != 4
}

fn jpeg_is_that_of_libjpeg_turbo(device: &Device) {
    let files = (0..150).map(jpegs::random).chain(jpegs::encoded());
    let mut compared = 0;
    for jpegs::Jpeg { bytes, what } in files {
        for (scale, divisor) in SCALES {
            let Some(reference) = jpegs::reference_at(&bytes, (8 / divisor) as u8) else {
                continue;
            };
            if !is_comparable(&reference) {
                continue;
            }
            for decoder in [JpegDecoder::Auto, JpegDecoder::Kernels] {
                let options = LoadOptions::new().scale(scale).jpeg_decoder(decoder);
                let image = options.decode_u8(device, &bytes).expect(&what);
                let got = jpegs::Picture {
                    size: [image.width() as usize, image.height() as usize],
                    rgba: image.download().unwrap(),
                };
                if let Some(difference) = jpegs::difference(&got, &reference.picture()) {
                    panic!("{what}, 1/{divisor}, {decoder:?}: {difference}");
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 400, "{compared} pictures");
}

/// The comparison above can fail.
fn a_difference_is_found(_: &Device) {
    let jpegs::Jpeg { bytes, .. } = jpegs::random(3);
    let half = jpegs::reference_at(&bytes, 4).unwrap().picture();
    let mut other = jpegs::reference_at(&bytes, 4).unwrap().picture();
    assert_eq!(jpegs::difference(&half, &other), None);
    other.rgba[0] ^= 1;
    assert!(jpegs::difference(&half, &other).is_some());
    let quarter = jpegs::reference_at(&bytes, 2).unwrap().picture();
    assert!(jpegs::difference(&half, &quarter).is_some());
}

/// A region `x`, `y`, `width`, `height` of samples of RGBA in rows of `pitch` pixels.
fn cropped(all: &[u32], pitch: u32, [x, y, width, height]: [u32; 4]) -> Vec<u32> {
    let rows = (y..y + height).map(|y| {
        let at = (y * pitch + x) as usize * 4;
        &all[at..at + width as usize * 4]
    });
    rows.flatten().copied().collect()
}

/// That a region of a scaled picture is a part of the scaled picture: the pixels it touches.
fn check_regions(device: &Device, file: &[u8], sides: [u32; 2], mirrored: bool, what: &str) {
    let is_jpeg = Format::sniff(file) == Some(Format::Jpeg);
    let mut noise = Noise::new(5);
    let mut below = |limit: u32| (noise.next() >> 33) as u32 % limit;
    for (scale, n) in SCALES {
        let options = LoadOptions::new().scale(scale);
        let whole = options.decode(device, file).unwrap();
        let all = bits(&whole.download().unwrap());
        for _ in 0..6 {
            let (x, y) = (below(sides[0]), below(sides[1]));
            let (w, h) = (1 + below(sides[0] - x), 1 + below(sides[1] - y));
            let part = options.clone().region(x, y, w, h);
            let part = part.decode(device, file).unwrap();
            // Where the squares begin at the right, so do those of the region.
            let start = match mirrored {
                true => sides[0].div_ceil(n) - (sides[0] - x).div_ceil(n),
                false => x / n,
            };
            let end = match mirrored {
                true => sides[0].div_ceil(n) - (sides[0] - x - w) / n,
                false => (x + w).div_ceil(n),
            };
            let (top, bottom) = (y / n, (y + h).div_ceil(n));
            let region = [start, top, end - start, bottom - top];
            assert_eq!([part.width(), part.height()], region[2..], "{what}");
            let expected = cropped(&all, whole.width(), region);
            let what = format!("{what}, {scale:?}: {w}x{h} at {x}, {y}");
            let got = bits(&part.download().unwrap());
            if is_jpeg {
                same(&got, &expected, what);
                continue;
            }
            // The order of sums depends on the size.
            let expected: Vec<f64> = expected.iter().map(|&v| f32::from_bits(v).into()).collect();
            close(&part.download().unwrap(), &expected, &what);
        }
    }
}

fn sides(device: &Device, file: &[u8]) -> [u32; 2] {
    let image = LoadOptions::new().decode(device, file).unwrap();
    [image.width(), image.height()]
}

fn a_region_of_a_scaled_jpeg_is_cut_from_it(device: &Device) {
    for seed in 0..40 {
        let jpegs::Jpeg { bytes, what } = jpegs::random(seed);
        check_regions(device, &bytes, sides(device, &bytes), false, &what);
    }
    let image = pictures::picture(device, 203, 155);
    let file = SaveOptions::new()
        .quality(80)
        .encode_u8(&image, Format::Jpeg);
    let file = jpeg_with_exif(&file.unwrap(), 2);
    check_regions(device, &file, [203, 155], true, "mirrored");
}

/// The mean of each square, in doubles, from RGBA in which all pixels are opaque.
fn means(samples: &[f32], [width, height]: [u32; 2], n: u32) -> Vec<f64> {
    let mut out = Vec::new();
    for y in 0..height.div_ceil(n) {
        for x in 0..width.div_ceil(n) {
            let (right, bottom) = (width.min(x * n + n), height.min(y * n + n));
            for channel in 0..4 {
                let (mut sum, mut count) = (0.0, 0.0);
                for v in y * n..bottom {
                    for u in x * n..right {
                        sum += f64::from(samples[(v * width + u) as usize * 4 + channel]);
                        count += 1.0;
                    }
                }
                out.push(sum / count);
            }
        }
    }
    out
}

#[track_caller]
fn close(got: &[f32], expected: &[f64], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let difference = (f64::from(*got) - expected).abs();
        assert!(difference < 1e-5, "{what}: {got} at {i}, {expected}");
    }
}

fn opaque_noise(device: &Device, width: u32, height: u32) -> ImageU8 {
    let pixels = Noise::new(11).bytes((width * height * 3) as usize);
    ImageU8::from_pixels(device, width, height, Layout::Rgb8, &pixels).unwrap()
}

fn others_are_means_of_squares(device: &Device) {
    for [width, height] in [[64, 32], [61, 43], [1, 9], [7, 1]] {
        let image = opaque_noise(device, width, height);
        let samples = image.to_f32().unwrap().download().unwrap();
        for format in [Format::Png, Format::Tiff, Format::Qoi] {
            let file = SaveOptions::new().encode_u8(&image, format).unwrap();
            for (scale, n) in SCALES {
                let options = LoadOptions::new().scale(scale);
                let small = options.decode(device, &file).unwrap();
                let size = [width.div_ceil(n), height.div_ceil(n)];
                assert_eq!([small.width(), small.height()], size);
                let what = format!("{format} {width}x{height} {scale:?}");
                let expected = means(&samples, [width, height], n);
                close(&small.download().unwrap(), &expected, &what);
            }
        }
    }
}

/// The squares of a picture that is turned are those of the file's own pixels.
fn squares_begin_where_the_file_does(device: &Device) {
    let image = opaque_noise(device, 13, 11);
    let plain = SaveOptions::new().encode_u8(&image, Format::Png).unwrap();
    for orientation in 1..=8 {
        let file = png_with_exif(&plain, orientation);
        for (scale, _) in SCALES {
            let options = LoadOptions::new().scale(scale);
            let turned = options.decode(device, &file).unwrap();
            let stored = options.decode(device, &plain).unwrap();
            let floats = stored.download().unwrap();
            let (w, h) = (stored.width() as usize, stored.height() as usize);
            let width = turned.width() as usize;
            let got = turned.download().unwrap();
            for y in 0..h {
                for x in 0..w {
                    let (vx, vy) = viewed(orientation, x, y, w, h);
                    let (a, b) = ((y * w + x) * 4, (vy * width + vx) * 4);
                    for channel in 0..4 {
                        let (a, b) = (floats[a + channel], got[b + channel]);
                        assert!((a - b).abs() < 1e-6, "{orientation} {scale:?} {x},{y}");
                    }
                }
            }
        }
    }
}

fn a_region_of_other_scaled_pictures_is_cut_from_them(device: &Device) {
    let image = opaque_noise(device, 83, 59);
    for format in [Format::Png, Format::Bmp] {
        let file = SaveOptions::new().encode_u8(&image, format).unwrap();
        check_regions(device, &file, [83, 59], false, "other");
    }
    let file = SaveOptions::new().encode_u8(&image, Format::Png).unwrap();
    check_regions(device, &png_with_exif(&file, 2), [83, 59], true, "mirrored");
}

fn a_picture_that_fits_is_as_it_is(device: &Device) {
    let image = opaque_noise(device, 40, 30);
    for format in [Format::Png, Format::Jpeg] {
        let file = SaveOptions::new().encode_u8(&image, format).unwrap();
        let whole = LoadOptions::new().decode(device, &file).unwrap();
        for size in [(40, 30), (1000, 30), (41, u32::MAX)] {
            let options = LoadOptions::new().fit(size.0, size.1);
            let image = options.decode(device, &file).unwrap();
            assert_eq!(image.dimensions(), (40, 30));
            same(
                &bits(&image.download().unwrap()),
                &bits(&whole.download().unwrap()),
                format,
            );
        }
    }
}

fn what_does_not_fit_is_resampled(device: &Device) {
    let image = opaque_noise(device, 120, 90);
    let file = SaveOptions::new().encode_u8(&image, Format::Png).unwrap();
    let whole = LoadOptions::new().decode(device, &file).unwrap();
    for (most, size) in [
        ((50, 50), (50, 38)),
        ((1000, 9), (12, 9)),
        ((7, 80), (7, 5)),
    ] {
        let options = LoadOptions::new().fit(most.0, most.1);
        let decoded = options.open_bytes(device, &file).unwrap();
        assert_eq!((decoded.width(), decoded.height()), size);
        let small = decoded.into_image().unwrap();
        let expected = whole.resized(size.0, size.1, Filter::Lanczos3).unwrap();
        same(
            &bits(&small.download().unwrap()),
            &bits(&expected.download().unwrap()),
            most,
        );
        // Of a turned picture, as viewed.
        let turned = png_with_exif(&file, 6);
        let small = options.decode(device, &turned).unwrap();
        let whole = LoadOptions::new().decode(device, &turned).unwrap();
        let (width, height) = small.dimensions();
        assert!(width <= most.0 && height <= most.1);
        let expected = whole.resized(width, height, Filter::Lanczos3).unwrap();
        same(
            &bits(&small.download().unwrap()),
            &bits(&expected.download().unwrap()),
            most,
        );
    }
    // Of a region.
    let options = LoadOptions::new().region(20, 10, 60, 30).fit(20, 20);
    let small = options.decode(device, &file).unwrap();
    let part = LoadOptions::new().region(20, 10, 60, 30);
    let part = part.decode(device, &file).unwrap();
    let expected = part.resized(20, 10, Filter::Lanczos3).unwrap();
    same(
        &bits(&small.download().unwrap()),
        &bits(&expected.download().unwrap()),
        "region",
    );
}

fn a_jpeg_that_does_not_fit_is_decoded_at_a_scale(device: &Device) {
    let image = pictures::opaque(&pictures::picture(device, 400, 304));
    let file = SaveOptions::new()
        .quality(92)
        .encode_u8(&image, Format::Jpeg);
    let file = file.unwrap();
    // From the smallest scale that is large enough.
    for (most, scale) in [
        (170, Some(Scale::Half)),
        (100, Some(Scale::Quarter)),
        (300, None),
    ] {
        let small = LoadOptions::new()
            .fit(most, most)
            .decode(device, &file)
            .unwrap();
        let (width, height) = small.dimensions();
        assert_eq!((width, height), (most, (most * 76 + 50) / 100));
        let options = match scale {
            Some(scale) => LoadOptions::new().scale(scale),
            None => LoadOptions::new(),
        };
        let larger = options.decode(device, &file).unwrap();
        let expected = larger.resized(width, height, Filter::Lanczos3).unwrap();
        same(
            &bits(&small.download().unwrap()),
            &bits(&expected.download().unwrap()),
            most,
        );
    }
    // A region that begins within a block is near the one of the whole picture, resampled.
    let region = |options: LoadOptions| options.region(37, 51, 240, 180);
    let small = region(LoadOptions::new())
        .fit(60, 60)
        .decode(device, &file)
        .unwrap();
    let part = region(LoadOptions::new()).decode(device, &file).unwrap();
    let expected = part.resized(60, 45, Filter::Lanczos3).unwrap();
    assert_eq!(small.dimensions(), (60, 45));
    let psnr = pictures::psnr(
        &small.to_u8().unwrap().download().unwrap(),
        &expected.to_u8().unwrap().download().unwrap(),
    );
    assert!(psnr > 30.0, "{psnr}");
}

fn eight_bits_are_the_floats_rounded(device: &Device) {
    let image = opaque_noise(device, 90, 70);
    for format in [Format::Png, Format::Jpeg] {
        let file = SaveOptions::new().encode_u8(&image, format).unwrap();
        let all = LoadOptions::new();
        let part = all.clone().region(5, 6, 70, 60);
        for options in [
            all.clone().scale(Scale::Half),
            all.fit(33, 33),
            part.fit(9, 9),
        ] {
            let floats = options.decode(device, &file).unwrap().to_u8().unwrap();
            let bytes = options.decode_u8(device, &file).unwrap();
            same(
                &bytes.download().unwrap(),
                &floats.download().unwrap(),
                format,
            );
            // Room for the result is enough.
            let mut target = Image::new(device, bytes.width(), bytes.height()).unwrap();
            options.decode_into(&file, &mut target).unwrap();
            assert_eq!(target.dimensions(), bytes.dimensions());
        }
    }
}

fn the_last_of_scale_and_fit_holds(device: &Device) {
    let image = opaque_noise(device, 64, 64);
    let file = SaveOptions::new().encode_u8(&image, Format::Jpeg).unwrap();
    let options = LoadOptions::new().jpeg_decoder(JpegDecoder::Host);
    let fit = options.clone().scale(Scale::Half).fit(10, 10);
    assert_eq!(fit.decode(device, &file).unwrap().width(), 10);
    let scale = options.fit(10, 10).scale(Scale::Eighth);
    assert_eq!(scale.decode(device, &file).unwrap().width(), 8);
}

fn no_room_is_an_error(device: &Device) {
    let image = opaque_noise(device, 8, 8);
    let file = SaveOptions::new().encode_u8(&image, Format::Png).unwrap();
    for (width, height) in [(0, 1), (1, 0), (0, 0)] {
        let options = LoadOptions::new().fit(width, height);
        let error = options.decode(device, &file).unwrap_err();
        let option = match error.kind() {
            ErrorKind::InvalidOption { option, .. } => *option,
            _ => "",
        };
        assert_eq!(option, "fit", "{error}");
    }
}

fn a_scaled_jpeg_needs_memory_for_its_own_size(device: &Device) {
    let image = opaque_noise(device, 400, 300);
    let file = SaveOptions::new().encode_u8(&image, Format::Jpeg).unwrap();
    let limited = LoadOptions::new().max_pixels(50 * 38);
    assert!(limited.decode(device, &file).is_err());
    let eighth = limited.scale(Scale::Eighth);
    assert_eq!(eighth.decode(device, &file).unwrap().dimensions(), (50, 38));
}
