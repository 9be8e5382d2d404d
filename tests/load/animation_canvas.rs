//! Animations, composed on every device as the naive way would compose them.

use crate::support::animations::{
    Dispose, Part, Png, RGBA8, composed, gif_file, parts, png_file, webp_file,
};
use crate::support::{Noise, bits, corpus, same};
use image::AnimationDecoder;
use imagecuda::{Device, Error, Format, Frame, Frames, LoadOptions};
use libtest_mimic::Trial;
use std::{fs, io::Cursor, time::Duration};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        gif_frames_are_composed,
        png_frames_are_composed,
        interlaced_png_frames_are_composed,
        deep_png_frames_keep_their_depth,
        gray_png_frames_are_composed,
        webp_frames_are_composed,
        a_stand_in_is_no_frame,
    ]);
    for test in REAL {
        let trial = Trial::test(format!("real::{}", test.0), move || {
            real(test);
            Ok(())
        });
        trials.push(trial.with_ignored_flag(corpus().is_none()));
    }
    let damaged = Trial::test("real::damaged_files_end", || {
        damaged_files_end();
        Ok(())
    });
    trials.push(damaged.with_ignored_flag(corpus().is_none()));
    trials
}

const SIZE: [u32; 2] = [21, 14];

fn open(device: &Device, file: &[u8]) -> Frames {
    LoadOptions::new().frames_bytes(device, file).unwrap()
}

fn bytes(frame: Result<Frame, Error>) -> Vec<u8> {
    frame.unwrap().image().to_u8().unwrap().download().unwrap()
}

/// Holds each frame of a file against what is to be seen, to within `tolerance`.
#[track_caller]
fn check(device: &Device, file: &[u8], expected: &[Vec<u8>], tolerance: u8) {
    let mut shown = 0;
    for (frame, expected) in open(device, file).zip(expected) {
        let frame = frame.unwrap();
        assert_eq!(frame.index(), shown);
        assert_eq!([frame.image().width(), frame.image().height()], SIZE);
        let got = bytes(Ok(frame));
        for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
            let apart = got.abs_diff(*expected);
            assert!(
                apart <= tolerance,
                "frame {shown} at {at}: {got} for {expected}"
            );
        }
        shown += 1;
    }
    assert_eq!(shown, expected.len());
    assert_eq!(open(device, file).count(), shown, "no more than these");
}

fn gif_frames_are_composed(device: &Device) {
    for seed in 0..20 {
        let mut parts = parts(seed, SIZE, 9, &[0, 0, 255]);
        parts.iter_mut().for_each(|part| part.over = true);
        if seed % 2 == 0 {
            // A first frame that leaves some of the canvas empty.
            parts.remove(0);
        }
        check(
            device,
            &gif_file(SIZE, &parts, None),
            &composed(SIZE, &parts),
            0,
        );
    }
}

fn png_frames_are_composed(device: &Device) {
    for seed in 0..20 {
        let parts = parts(seed, SIZE, 9, &[0, 1, 100, 200, 255]);
        check(
            device,
            &png_file(SIZE, &parts, RGBA8),
            &composed(SIZE, &parts),
            1,
        );
    }
}

fn interlaced_png_frames_are_composed(device: &Device) {
    let interlaced = Png {
        interlaced: true,
        ..RGBA8
    };
    for seed in 30..40 {
        let parts = parts(seed, SIZE, 5, &[0, 255]);
        check(
            device,
            &png_file(SIZE, &parts, interlaced),
            &composed(SIZE, &parts),
            0,
        );
    }
}

fn deep_png_frames_keep_their_depth(device: &Device) {
    // Opaque and clear pixels of 16 bits, compared as floats.
    let mut noise = Noise::new(7);
    let mut sixteen = |width: u32, height: u32| {
        let alphas = [[0; 2], [255; 2]];
        let pixels = (0..width * height).flat_map(|i| {
            let color = noise.bytes(6);
            [&color[..], &alphas[(i % 3 == 0) as usize]].concat()
        });
        pixels.collect::<Vec<u8>>()
    };
    let part = |x, y, width, height, over, pixels| Part {
        x,
        y,
        width,
        height,
        pixels,
        dispose: Dispose::Keep,
        over,
        delay: 1,
    };
    let below = part(0, 0, 21, 14, false, sixteen(21, 14));
    let above = part(5, 3, 10, 9, true, sixteen(10, 9));
    let deep = Png { depth: 16, ..RGBA8 };
    let file = png_file(SIZE, &[below.clone(), above.clone()], deep);

    let mut canvas = below.pixels;
    let float = |canvas: &[u8]| -> Vec<f32> {
        let (samples, _) = canvas.as_chunks();
        samples
            .iter()
            .map(|&v| f32::from(u16::from_be_bytes(v)) / 65535.0)
            .collect()
    };
    let mut frames = open(device, &file);
    let image = frames.next().unwrap().unwrap().into_image();
    same(
        &bits(&image.download().unwrap()),
        &bits(&float(&canvas)),
        "first",
    );
    for (index, pixel) in above
        .pixels
        .chunks(8)
        .enumerate()
        .filter(|(_, p)| p[7] != 0)
    {
        let (x, y) = (index % 10 + 5, index / 10 + 3);
        canvas[(y * 21 + x) * 8..][..8].copy_from_slice(pixel);
    }
    let image = frames.next().unwrap().unwrap().into_image();
    same(
        &bits(&image.download().unwrap()),
        &bits(&float(&canvas)),
        "second",
    );
    let first = LoadOptions::new().decode(device, &file).unwrap();
    assert_eq!((first.width(), first.height()), (21, 14));
}

fn gray_png_frames_are_composed(device: &Device) {
    let gray = Png { color: 0, ..RGBA8 };
    let mut parts = parts(3, SIZE, 4, &[255]);
    let mut in_color = parts.clone();
    for (part, color) in parts.iter_mut().zip(&mut in_color) {
        part.pixels = part.pixels.chunks(4).map(|p| p[0]).collect();
        color.pixels = part.pixels.iter().flat_map(|&l| [l, l, l, 255]).collect();
    }
    check(
        device,
        &png_file(SIZE, &parts, gray),
        &composed(SIZE, &in_color),
        0,
    );
}

fn webp_frames_are_composed(device: &Device) {
    for seed in 50..70 {
        let mut parts = parts(seed, SIZE, 9, &[0, 255]);
        for part in parts
            .iter_mut()
            .filter(|part| part.dispose == Dispose::Restore)
        {
            part.dispose = Dispose::Keep;
        }
        check(
            device,
            &webp_file(SIZE, &parts, 0),
            &composed(SIZE, &parts),
            0,
        );
    }
}

fn a_stand_in_is_no_frame(device: &Device) {
    let png = Png {
        stand_in: true,
        ..RGBA8
    };
    let parts = parts(1, SIZE, 3, &[0, 128, 255]);
    let file = png_file(SIZE, &parts, png);
    check(device, &file, &composed(SIZE, &parts), 1);
    let still = LoadOptions::new().decode_u8(device, &file).unwrap();
    let stand_in = vec![0x55; still.download().unwrap().len()];
    same(&still.download().unwrap(), &stand_in, "load");
}

/// Pictures, and milliseconds, of those that have more than one; counted by hand.
const REAL: &[(&str, usize, u64)] = &[
    ("gif/Pillow__dispose_none_load_end.gif", 2, 0),
    ("gif/Pillow__iss634.gif", 42, 2730),
    ("gif/image-gif__beacon_xmp.gif", 2, 0),
    ("gif/image-gif__moon_impact.gif", 14, 2100),
    ("gif/image__mixed-disposal.gif", 5, 5000),
    ("gif/serenity__download-animation.gif", 3, 1200),
    ("gif/sharp__animated-loop-3.gif", 10, 42_000),
    ("gif/sharp__rotating-squares.gif", 30, 900),
    ("png/SDL_image__rgbrgb.png", 6, 120),
    ("png/zune-image__animated_ball.png", 20, 1500),
    ("tiff/Pillow__g4-multi.tiff", 3, 0),
    ("webp/SDL_image__rgbrgb_thirdpartymetadata.webp", 6, 120),
    ("webp/image-webp__random_lossless.webp", 3, 300),
    ("webp/sharp__animated-loop-3.webp", 10, 42_000),
    ("webp/sharp__big-height.webp", 97, 19_400),
];

/// Reads a file to its end, and holds each frame against another decoder's.
fn real(&(name, count, time): &(&str, usize, u64)) {
    let device = Device::cpu();
    let path = corpus().unwrap().join(name);
    let frames = LoadOptions::new().frames(&device, &path).unwrap();
    let others = others(&fs::read(&path).unwrap());
    let (mut found, mut total) = (0, Duration::ZERO);
    for frame in frames {
        let frame = frame.unwrap();
        total += frame.delay();
        if let Some(others) = &others {
            let psnr = psnr(&bytes(Ok(frame)), &others[found]);
            assert!(psnr > 42.0, "frame {found}: {psnr} dB");
        }
        found += 1;
    }
    assert_eq!((found, total), (count, Duration::from_millis(time)));
    assert!(others.is_none_or(|others| others.len() == found));
}

/// The frames as decoders see them that this project did not write.
fn others(file: &[u8]) -> Option<Vec<Vec<u8>>> {
    use image::codecs::{gif::GifDecoder, png::PngDecoder};
    let reader = Cursor::new(file);
    let frames = match Format::sniff(file)? {
        Format::Gif => GifDecoder::new(reader).unwrap().into_frames(),
        Format::Png => PngDecoder::new(reader)
            .unwrap()
            .apng()
            .unwrap()
            .into_frames(),
        Format::WebP => {
            let mut decoder = image_webp::WebPDecoder::new(reader).unwrap();
            let count = decoder.num_frames();
            let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
            let mut frame = |_| {
                decoder.read_frame(&mut pixels).unwrap();
                match decoder.has_alpha() {
                    true => pixels.clone(),
                    false => {
                        let (rgb, _) = pixels.as_chunks();
                        rgb.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect()
                    }
                }
            };
            return Some((0..count).map(&mut frame).collect());
        }
        _ => return None,
    };
    Some(
        frames
            .map(|frame| frame.unwrap().into_buffer().into_raw())
            .collect(),
    )
}

/// How far apart two pictures are, as far as they can be seen.
fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let seen = |p: &[u8]| {
        let alpha = f64::from(p[3]);
        [0, 1, 2]
            .map(|c| f64::from(p[c]) * alpha / 255.0)
            .into_iter()
            .chain([alpha])
    };
    let pixels = a.chunks(4).zip(b.chunks(4));
    let squares = pixels.flat_map(|(a, b)| {
        seen(a)
            .zip(seen(b))
            .map(|(a, b)| (a - b).powi(2))
            .collect::<Vec<_>>()
    });
    let mse = squares.sum::<f64>() / a.len() as f64;
    10.0 * (255.0 * 255.0 / mse.max(1e-9)).log10()
}

/// What is damaged ends, with one error at most.
fn damaged_files_end() {
    for file in fs::read_dir(corpus().unwrap().join("bad")).unwrap() {
        let path = file.unwrap().path();
        if let Ok(frames) = LoadOptions::new().frames(&Device::cpu(), &path) {
            let errors = frames.filter(Result::is_err).count();
            assert!(errors <= 1, "{}", path.display());
        }
    }
}
