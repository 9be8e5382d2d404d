//! What is saved loads again, here and elsewhere.

use super::{input::Input, load};
use imagecuda::{
    Channels, Compression, Depth, Device, ErrorKind, Format, Image, Layout, LoadOptions,
    PngEncoder, SaveOptions,
};
use std::{num::NonZeroU32, time::Duration};

/// What a picture may have, so that most take little time, and a few have bands and strips.
const MOST_PIXELS: [u32; 16] = {
    let mut most = [1 << 12; 16];
    most[15] = 1 << 17;
    most
};

/// The picture that `input` has: a size, a kind of samples, and these, again and again.
pub(super) fn picture(mut input: Input<'_>, opaque: bool, most: u32) -> Image {
    let width = u32::from(input.number()) % 1500 + 1;
    let height = u32::from(input.number()) % 1500 + 1;
    let height = height.min(most / width).max(1);
    let layout = input.pick(&[Layout::Rgba8, Layout::Rgba16, Layout::Rgba32F]);
    // Neighbours in a column that are alike, or are not.
    let shift = usize::from(input.byte());
    let samples = input.rest();
    let len = layout.bytes(width, height).unwrap();
    let row = len / height as usize;
    let mut bytes: Vec<u8> = (0..len)
        .map(|i| match samples.len() {
            0 => (i * shift) as u8,
            count => samples[(i + i / row * shift) % count],
        })
        .collect();
    if opaque {
        let one = 1.0_f32.to_ne_bytes();
        let sample = layout.bits() / 8;
        for pixel in bytes.chunks_exact_mut(4 * sample) {
            match sample {
                4 => pixel[12..].copy_from_slice(&one),
                _ => pixel[3 * sample..].fill(255),
            }
        }
    }
    Image::from_pixels(&Device::cpu(), width, height, layout, &bytes).unwrap()
}

/// A picture in any format but JPEG.
pub(super) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let format = input.pick(&[
        Format::Png,
        Format::Png,
        Format::Png,
        Format::Tiff,
        Format::Tiff,
        Format::WebP,
        Format::Bmp,
        Format::Qoi,
        Format::Tga,
        Format::Ico,
        Format::Pnm,
        Format::Gif,
        Format::Exr,
        Format::Hdr,
    ]);
    let mut options = SaveOptions::new();
    let mut channels = Channels::Rgba;
    let mut depth = match format {
        Format::Exr | Format::Hdr => Depth::F32,
        _ => Depth::U8,
    };
    if matches!(format, Format::Png | Format::Tiff | Format::Pnm) && input.flag() {
        depth = input.pick(&[Depth::U8, Depth::U16, Depth::F32]);
        options = options.depth(depth);
    }
    if matches!(format, Format::Png | Format::Tiff) {
        use {Channels::*, Compression::*};
        options =
            options.compression(input.pick(&[Uncompressed, Fast, Balanced, Small, Lzw, PackBits]));
        channels = input.pick(&[Auto, Gray, GrayAlpha, Rgb, Rgba]);
        options = options.channels(channels);
    }
    let frames = match format {
        Format::Gif | Format::WebP => input.byte() % 4,
        _ => 0,
    };
    let lossy = format == Format::WebP && input.flag();
    if lossy {
        options = options.quality(input.byte());
    }
    let flat = matches!(format, Format::Pnm | Format::Hdr)
        || matches!(channels, Channels::Gray | Channels::Rgb);
    let most = match frames {
        0 => input.pick(&MOST_PIXELS),
        _ => MOST_PIXELS[0],
    };
    let image = picture(input, flat, most);

    if frames > 0 {
        return animated(
            &options,
            format,
            &image,
            frames,
            !lossy && format == Format::WebP,
        );
    }
    let file = match options.encode(&image, format) {
        Ok(file) => file,
        Err(error) => {
            let known = match error.kind() {
                ErrorKind::InvalidOption { .. } => true,
                ErrorKind::LimitExceeded { .. } => image.width().max(image.height()) > 256,
                _ => false,
            };
            assert!(known, "{error}");
            return;
        }
    };
    if format == Format::Png {
        let by_kernels = options.clone().png_encoder(PngEncoder::Kernels);
        let other = by_kernels.encode(&image, format).unwrap();
        assert!(file == other, "the kernels write another file");
    }
    let mut expected = expected(&image, channels, depth);
    let mut found = load::picture_of(format, &file);
    if flat {
        // Laid onto black, which makes 0 of -0, and any NaN of a NaN.
        let plain = |v: &mut f32| *v = if v.is_nan() { f32::NAN } else { *v + 0.0 };
        expected.iter_mut().for_each(plain);
        found.samples.iter_mut().for_each(plain);
    }
    assert_eq!(found.size, (image.width(), image.height()));
    let exact = !matches!(format, Format::Gif | Format::Exr | Format::Hdr) && !lossy;
    if exact {
        let other = |i: &usize| found.samples[*i].to_bits() != expected[*i].to_bits();
        if let Some(at) = (0..expected.len()).find(other) {
            let (found, expected) = (found.samples[at], expected[at]);
            panic!("{format}: {found} at {at}, not {expected}");
        }
    }
    if matches!(format, Format::Exr | Format::Hdr) {
        light(format, &found.samples, &expected);
    }
    if format == Format::Png {
        by_zune(&file, &found.samples, depth);
    }
}

/// What the image's samples are once they are saved.
fn expected(image: &Image, channels: Channels, depth: Depth) -> Vec<f32> {
    let mut samples = image.download().unwrap();
    let max = match depth {
        Depth::U8 => 255.0,
        Depth::U16 => 65535.0,
        _ => return samples,
    };
    for sample in &mut samples {
        *sample = (sample.clamp(0.0, 1.0) * max + 0.5) as u32 as f32;
    }
    if matches!(channels, Channels::Gray | Channels::GrayAlpha) {
        for pixel in samples.as_chunks_mut::<4>().0 {
            let [r, g, b] = [0, 1, 2].map(|i| pixel[i] as u64);
            let gray = (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
            pixel[..3].fill(gray as f32);
        }
    }
    samples.iter().map(|sample| sample / max).collect()
}

/// Linear light comes back, that of Radiance HDR as its brightest channel has it.
fn light(format: Format, found: &[f32], expected: &[f32]) {
    for (found, expected) in found.chunks_exact(4).zip(expected.chunks_exact(4)) {
        let alpha = expected[3].abs();
        let near = |found: f32, expected: f32, by: f32| {
            // There and back are two powers, and a product, which have their ends.
            let is_alpha = alpha == 0.0 || (1e-6..100.0).contains(&alpha);
            let known = expected.abs() < 1e15 && is_alpha;
            !known || (found - expected).abs() <= expected.abs() * by + 1e-3
        };
        let brightest = |pixel: &[f32]| pixel[..3].iter().copied().fold(0.0, f32::max);
        let same = match format {
            Format::Hdr => near(brightest(found), brightest(expected), 0.02),
            _ => (0..4).all(|i| near(found[i], expected[i], 1e-3)),
        };
        let whole = expected.iter().all(|v| v.is_finite());
        assert!(same || !whole, "{found:?}, not {expected:?}");
    }
}

/// A decoder that this project did not write finds the same in a PNG.
fn by_zune(file: &[u8], samples: &[f32], depth: Depth) {
    use zune_png::{
        PngDecoder,
        zune_core::{bytestream::ZCursor, options::DecoderOptions, result::DecodingResult},
    };
    let options = DecoderOptions::new_safe();
    let mut decoder = PngDecoder::new_with_options(ZCursor::new(file), options);
    let (found, max): (Vec<f32>, _) = match decoder.decode().unwrap() {
        DecodingResult::U8(found) => (found.into_iter().map(f32::from).collect(), 255.0),
        DecodingResult::U16(found) => (found.into_iter().map(f32::from).collect(), 65535.0),
        _ => panic!("neither 8 nor 16 bits"),
    };
    assert_eq!(max == 255.0, depth == Depth::U8);
    let channels = found.len() / (samples.len() / 4);
    for (found, expected) in found.chunks_exact(channels).zip(samples.chunks_exact(4)) {
        let found: Vec<f32> = found.iter().map(|v| v / max).collect();
        let same = match *found {
            [l] => [l, l, l, 1.0] == *expected,
            [l, a] => [l, l, l, a] == *expected,
            [r, g, b] => [r, g, b, 1.0] == *expected,
            _ => found == expected,
        };
        assert!(same, "{found:?}, not {expected:?}");
    }
}

/// The frames of an animation come back, those of WebP with their pixels.
fn animated(options: &SaveOptions, format: Format, image: &Image, count: u8, lossless: bool) {
    let device = Device::cpu();
    let mut animation = match options.animation(format) {
        Ok(animation) => animation.loop_count(NonZeroU32::new(u32::from(count) - 1)),
        Err(error) => {
            assert!(
                matches!(error.kind(), ErrorKind::InvalidOption { .. }),
                "{error}"
            );
            return;
        }
    };
    let mut frames = Vec::new();
    for index in 0..count {
        // The one before, but for a row.
        let mut samples = image.download().unwrap();
        let row = image.width() as usize * 4;
        let changed = samples
            .chunks_exact_mut(row)
            .nth(usize::from(index) * 3 / 2);
        changed.into_iter().flatten().for_each(|v| *v = 1.0 - *v);
        let mut frame = Image::new(&device, image.width(), image.height()).unwrap();
        frame.upload(&samples).unwrap();
        animation.push(&frame, Duration::from_millis(40)).unwrap();
        frames.push(frame);
    }
    let file = animation.finish().unwrap();
    let options = LoadOptions::new().format(format);
    let found = options.frames_bytes(&device, file).unwrap();
    assert_eq!(found.frame_count(), u32::from(count));
    let mut seen = 0;
    for (found, frame) in found.zip(&frames) {
        let found = found.unwrap().into_image();
        assert_eq!(
            (found.width(), found.height()),
            (frame.width(), frame.height())
        );
        if lossless {
            let [found, frame] =
                [&found, frame].map(|image| image.to_u8().unwrap().download().unwrap());
            for (found, frame) in found.chunks_exact(4).zip(frame.chunks_exact(4)) {
                assert!(
                    found == frame || found[3] == 0 && frame[3] == 0,
                    "frame {seen}"
                );
            }
        }
        seen += 1;
    }
    assert_eq!(seen, count);
}
