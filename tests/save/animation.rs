//! Saving animations on every device.

use crate::support::{Noise, same};
use image::AnimationDecoder;
use imagecuda::{
    Device, ErrorKind, Format, Frame, Image, ImageU8, Layout, LoadOptions, SaveOptions,
};
use libtest_mimic::Trial;
use std::{fs, io::Cursor, num::NonZeroU32, time::Duration};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        lossless_webp_keeps_every_byte_of_every_frame,
        gif_keeps_what_fits_its_palette,
        lossy_webp_is_close_and_smaller,
        a_background_flattens_every_frame,
        what_is_loaded_can_be_saved,
        delays_are_rounded_without_adding_up,
        loops_are_written,
        frames_of_another_size_are_refused,
        what_cannot_be_written_is_an_error,
        a_failed_save_leaves_the_old_file,
        other_decoders_read_the_frames,
    ])
}

const SIZE: [u32; 2] = [37, 23];

fn image(device: &Device, pixels: &[u8]) -> Image {
    let [width, height] = SIZE;
    let image = ImageU8::from_pixels(device, width, height, Layout::Rgba8, pixels);
    image.unwrap().to_f32().unwrap()
}

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// Frames that differ all over, in a spot, not at all, and again in alpha alone.
fn frames() -> Vec<Vec<u8>> {
    let [width, height] = SIZE.map(|side| side as usize);
    let mut noise = Noise::new(11);
    let first = noise.bytes(width * height * 4);
    let mut spot = first.clone();
    for y in 5..9 {
        let row = (y * width + 7) * 4;
        spot[row..row + 5 * 4].copy_from_slice(&noise.bytes(20));
    }
    let same = spot.clone();
    let mut clear = same.clone();
    clear.iter_mut().skip(3).step_by(12).for_each(|a| *a = 0);
    let black = vec![0; first.len()];
    vec![
        first,
        spot,
        same,
        clear,
        black.clone(),
        black,
        noise.bytes(width * height * 4),
    ]
}

fn encode(device: &Device, options: &SaveOptions, format: Format, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut animation = options.animation(format).unwrap();
    for (index, frame) in frames.iter().enumerate() {
        let delay = ms(index as u64 * 10);
        animation.push(&image(device, frame), delay).unwrap();
    }
    animation.finish().unwrap()
}

fn decode(device: &Device, file: &[u8]) -> Vec<Frame> {
    let frames = LoadOptions::new().frames_bytes(device, file).unwrap();
    frames.map(Result::unwrap).collect()
}

fn bytes(frame: &Frame) -> Vec<u8> {
    frame.image().to_u8().unwrap().download().unwrap()
}

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let square = |(x, y): (&u8, &u8)| f64::from(x.abs_diff(*y)).powi(2);
    let mse = a.iter().zip(b).map(square).sum::<f64>() / a.len() as f64;
    10.0 * (255.0 * 255.0 / mse.max(1e-9)).log10()
}

fn lossless_webp_keeps_every_byte_of_every_frame(device: &Device) {
    let frames = frames();
    let file = encode(device, &SaveOptions::new(), Format::WebP, &frames);
    assert_eq!(Format::sniff(&file), Some(Format::WebP));
    let back = decode(device, &file);
    assert_eq!(back.len(), frames.len());
    for (index, (back, frame)) in back.iter().zip(&frames).enumerate() {
        same(&bytes(back), frame, index);
        assert_eq!(back.delay(), ms(index as u64 * 10));
    }
}

/// A few colours and full transparency.
fn flat_frames() -> Vec<Vec<u8>> {
    let mut noise = Noise::new(3);
    let mut frame = || {
        let pixels = noise.bytes((SIZE[0] * SIZE[1]) as usize).into_iter();
        let color = |byte: u8| match byte % 5 {
            0 => [0; 4],
            n => [n * 50, 255 - n * 20, n, 255],
        };
        pixels.flat_map(color).collect::<Vec<u8>>()
    };
    let (first, second) = (frame(), frame());
    let opaque = |frame: &[u8]| {
        let pixels = frame.chunks(4);
        pixels.flat_map(|p| [p[0], p[1], p[2], 255]).collect()
    };
    let wall: Vec<u8> = opaque(&first);
    let mut spot = wall.clone();
    spot[500..520].copy_from_slice(&[1, 2, 3, 255].repeat(5));
    vec![
        first.clone(),
        second.clone(),
        second.clone(),
        vec![0; first.len()],
        first,
        wall.clone(),
        spot.clone(),
        spot,
        second,
        wall,
    ]
}

fn gif_keeps_what_fits_its_palette(device: &Device) {
    let frames = flat_frames();
    let file = encode(device, &SaveOptions::new(), Format::Gif, &frames);
    let back = decode(device, &file);
    assert_eq!(back.len(), frames.len());
    for (index, (back, frame)) in back.iter().zip(&frames).enumerate() {
        same(&bytes(back), frame, index);
        assert_eq!(back.delay(), ms(index as u64 * 10));
    }
}

/// Waves that move, opaque.
fn waves() -> Vec<Vec<u8>> {
    let [width, height] = SIZE;
    let frame = |time: u32| {
        let pixels = (0..width * height).flat_map(move |i| {
            let wave = |k: u32| {
                let phase = f64::from(i % width + time * k) / 9.0 + f64::from(i / width) / 7.0;
                (phase.sin() * 100.0 + 128.0) as u8
            };
            [wave(1), wave(2), wave(3), 255]
        });
        pixels.collect()
    };
    (0..4).map(frame).collect()
}

fn lossy_webp_is_close_and_smaller(device: &Device) {
    let frames = waves();
    let mut before = usize::MAX;
    for (quality, at_least) in [(95, 30.0), (30, 22.0)] {
        let options = SaveOptions::new().quality(quality);
        let file = encode(device, &options, Format::WebP, &frames);
        assert!(file.len() < before);
        before = file.len();
        for (back, frame) in decode(device, &file).iter().zip(&frames) {
            let psnr = psnr(&bytes(back), frame);
            assert!(psnr > at_least, "{quality}: {psnr} dB");
        }
    }
}

fn a_background_flattens_every_frame(device: &Device) {
    let options = SaveOptions::new().background([255, 0, 0]);
    for format in [Format::WebP, Format::Gif] {
        let file = encode(device, &options, format, &flat_frames());
        for (back, frame) in decode(device, &file).iter().zip(flat_frames()) {
            let flat = frame.chunks(4).flat_map(|p| match p {
                [.., 0] => [255, 0, 0, 255],
                p => [p[0], p[1], p[2], 255],
            });
            same(&bytes(back), &flat.collect::<Vec<_>>(), format);
        }
    }
}

fn what_is_loaded_can_be_saved(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let (gif, webp) = (folder.path().join("a.gif"), folder.path().join("a.webp"));
    let images: Vec<_> = flat_frames()
        .iter()
        .map(|frame| image(device, frame))
        .collect();
    let twice = NonZeroU32::new(2);
    let frames = images.iter().map(|image| (image, ms(40)));
    SaveOptions::new()
        .save_animation(&gif, frames, twice)
        .unwrap();
    let loaded = LoadOptions::new().frames(device, &gif).unwrap();
    assert_eq!(loaded.loop_count(), twice);
    let frames = loaded.map(Result::unwrap).map(|frame| {
        let delay = frame.delay();
        (frame.into_image(), delay)
    });
    SaveOptions::new()
        .save_animation(&webp, frames, twice)
        .unwrap();
    let loaded = LoadOptions::new().frames(device, &webp).unwrap();
    assert_eq!((loaded.loop_count(), loaded.frame_count()), (twice, 10));
    for (frame, expected) in loaded.map(Result::unwrap).zip(flat_frames()) {
        assert_eq!(frame.delay(), ms(40));
        same(&bytes(&frame), &expected, frame.index());
    }
}

fn delays_are_rounded_without_adding_up(device: &Device) {
    let picture = image(device, &flat_frames()[0]);
    for (format, tick) in [(Format::Gif, 10), (Format::WebP, 1)] {
        let mut animation = SaveOptions::new().animation(format).unwrap();
        for _ in 0..24 {
            animation
                .push(&picture, Duration::from_secs(1) / 24)
                .unwrap();
        }
        // Longer than can be said: an error, and nothing is added.
        let long = if format == Format::Gif {
            655_356
        } else {
            16_777_216
        };
        let error = animation.push(&picture, ms(long)).unwrap_err();
        let typed = matches!(
            error.kind(),
            ErrorKind::InvalidOption {
                option: "delay",
                ..
            }
        );
        assert!(typed, "{error}");
        let back = decode(device, &animation.finish().unwrap());
        let delays = back.iter().map(Frame::delay);
        assert_eq!(
            (back.len(), delays.clone().sum::<Duration>()),
            (24, ms(1000))
        );
        let exact = Duration::from_secs(1) / 24;
        assert!(
            delays
                .into_iter()
                .all(|delay| delay.abs_diff(exact) <= ms(tick))
        );
    }
}

fn loops_are_written(device: &Device) {
    let picture = image(device, &flat_frames()[0]);
    for format in [Format::Gif, Format::WebP] {
        for count in [0, 1, 2, 65_535] {
            let count = NonZeroU32::new(count);
            let animation = SaveOptions::new().animation(format).unwrap();
            let mut animation = animation.loop_count(count);
            animation.push(&picture, ms(40)).unwrap();
            let file = animation.finish().unwrap();
            let frames = LoadOptions::new().frames_bytes(device, file).unwrap();
            assert_eq!(frames.loop_count(), count, "{format}");
        }
        let animation = SaveOptions::new().animation(format).unwrap();
        let error = animation
            .loop_count(NonZeroU32::new(65_537))
            .push(&picture, ms(40));
        let error = error.unwrap_err();
        let kind = error.kind();
        assert!(
            matches!(
                kind,
                ErrorKind::InvalidOption {
                    option: "loop_count",
                    ..
                }
            ),
            "{error}"
        );
    }
}

fn frames_of_another_size_are_refused(device: &Device) {
    let other = Image::new(device, 23, 37).unwrap();
    for format in [Format::Gif, Format::WebP] {
        let mut animation = SaveOptions::new().animation(format).unwrap();
        let picture = image(device, &flat_frames()[0]);
        animation.push(&picture, ms(10)).unwrap();
        let error = animation.push(&other, ms(10)).unwrap_err();
        let ErrorKind::SizeMismatch {
            width,
            height,
            expected_width,
            expected_height,
        } = *error.kind()
        else {
            panic!("{error}");
        };
        assert_eq!(
            [width, height, expected_width, expected_height],
            [23, 37, 37, 23]
        );
        assert_eq!(error.format(), Some(format));
        // The animation goes on as if nothing had been.
        animation.push(&picture, ms(10)).unwrap();
        assert_eq!(decode(device, &animation.finish().unwrap()).len(), 2);
    }
}

fn what_cannot_be_written_is_an_error(device: &Device) {
    for &format in Format::ALL {
        let Err(error) = SaveOptions::new().animation(format) else {
            assert!(matches!(format, Format::Gif | Format::WebP));
            continue;
        };
        assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error}");
        assert_eq!(error.format(), Some(format));
    }
    let error = SaveOptions::new()
        .quality(90)
        .animation(Format::Gif)
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::InvalidOption { .. }),
        "{error}"
    );
    for format in [Format::Gif, Format::WebP] {
        let empty = SaveOptions::new().animation(format).unwrap().finish();
        let error = empty.unwrap_err();
        let typed = matches!(error.kind(), ErrorKind::InvalidOption { .. });
        assert!(typed, "{error}");
    }
    let large = Image::new(device, 16_384, 1).unwrap();
    let mut animation = SaveOptions::new().animation(Format::WebP).unwrap();
    let error = animation.push(&large, ms(10)).unwrap_err();
    assert!(error.to_string().contains("16383"), "{error}");
}

fn a_failed_save_leaves_the_old_file(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.webp");
    fs::write(&path, "what was there").unwrap();
    let images = [(4, 4), (5, 5)].map(|(w, h)| Image::new(device, w, h).unwrap());
    let frames = images.iter().map(|image| (image, ms(10)));
    let error = SaveOptions::new()
        .save_animation(&path, frames, None)
        .unwrap_err();
    assert_eq!(error.path(), Some(&*path));
    assert_eq!(fs::read(&path).unwrap(), b"what was there");
    let frames = images[..1].iter().map(|image| (image, ms(10)));
    SaveOptions::new()
        .save_animation(&path, frames.clone(), None)
        .unwrap();
    assert_eq!(Format::sniff(&fs::read(&path).unwrap()), Some(Format::WebP));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let error = SaveOptions::new().save_animation(folder.path().join("a"), frames, None);
    let error = error.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::UnknownFormat(_)),
        "{error}"
    );
}

fn other_decoders_read_the_frames(device: &Device) {
    let frames = frames();
    let file = encode(device, &SaveOptions::new(), Format::WebP, &frames);
    let mut other = image_webp::WebPDecoder::new(Cursor::new(&file)).unwrap();
    assert!(other.is_animated() && other.has_alpha());
    assert_eq!(other.num_frames(), frames.len() as u32);
    let mut canvas = vec![0; frames[0].len()];
    for (index, frame) in frames.iter().enumerate() {
        let delay = other.read_frame(&mut canvas).unwrap();
        assert_eq!(delay, index as u32 * 10);
        same(&canvas, frame, index);
    }
    let file = encode(device, &SaveOptions::new(), Format::WebP, &waves());
    let other = image_webp::WebPDecoder::new(Cursor::new(&file)).unwrap();
    assert!(other.is_animated() && !other.has_alpha());

    let frames = flat_frames();
    let file = encode(device, &SaveOptions::new(), Format::Gif, &frames);
    let other = image::codecs::gif::GifDecoder::new(Cursor::new(&file)).unwrap();
    let other: Vec<_> = other.into_frames().map(Result::unwrap).collect();
    assert_eq!(other.len(), frames.len());
    for (other, frame) in other.iter().zip(&frames) {
        same(other.buffer(), frame, "gif");
    }
}
