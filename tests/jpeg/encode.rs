//! JPEG files as we encode them: the same bytes on every device, and what other decoders make of them.

use crate::support::{
    Noise, corpus, is_one_pixel_too_wide,
    jpegs::{Picture, difference, reference},
};
use imagecuda::{
    Channels, Device, Format, Image, JpegEncoder, Layout, LoadOptions, SaveOptions, Subsampling,
};
use libtest_mimic::Trial;
use mozjpeg::{ColorSpace, Compress};
use std::{fs, path::Path};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        the_same_bytes_on_every_device,
        a_large_picture_is_the_same,
        the_longest_side_there_can_be,
        images_may_change_while_they_are_saved,
    ]);
    let photos = corpus().map(|corpus| fs::read_dir(corpus.join("photos")).unwrap());
    for photo in photos.into_iter().flatten() {
        let photo = photo.unwrap().path();
        let name = photo.file_name().unwrap().to_string_lossy().into_owned();
        trials.push(Trial::test(
            format!("cpu::jpeg_encode::{name}"),
            move || {
                photographs_are_libjpegs(&photo);
                Ok(())
            },
        ));
    }
    trials
}

/// A photograph at all qualities and samplings: the data of libjpeg, so their size and what they
/// lose are its own.
fn photographs_are_libjpegs(photo: &Path) {
    const SIDE: u32 = 700;
    let cpu = Device::cpu();
    let loaded = LoadOptions::new().load_u8(&cpu, photo).unwrap();
    let (width, height) = (loaded.width().min(SIDE), loaded.height().min(SIDE - 9));
    let all = loaded.download().unwrap();
    let rows = all.chunks(loaded.width() as usize * 4);
    let rgb: Vec<u8> = rows
        .take(height as usize)
        .flat_map(|row| row.chunks(4).take(width as usize))
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    let image = Image::from_pixels(&cpu, width, height, Layout::Rgb8, &rgb).unwrap();
    for quality in (10..=100).step_by(10) {
        for (subsampling, factors) in [
            (Subsampling::Yuv444, (1, 1)),
            (Subsampling::Yuv422, (2, 1)),
            (Subsampling::Yuv420, (2, 2)),
        ] {
            let options = SaveOptions::new().quality(quality).subsampling(subsampling);
            let got = encode(&image, &options, JpegEncoder::Host);
            if quality < 30 {
                // Of these libjpeg's wrapper makes files that are not baseline.
                assert_eq!(reference(&got).unwrap().width, width as usize);
                continue;
            }
            let mut encoder = Compress::new(ColorSpace::JCS_RGB);
            encoder.set_size(width as usize, height as usize);
            encoder.set_fastest_defaults();
            encoder.set_quality(quality.into());
            let components = encoder.components_mut();
            (components[0].h_samp_factor, components[0].v_samp_factor) = factors;
            for other in &mut components[1..] {
                (other.h_samp_factor, other.v_samp_factor) = (1, 1);
            }
            let mut encoder = encoder.start_compress(Vec::new()).unwrap();
            encoder.write_scanlines(&rgb).unwrap();
            let expected = encoder.finish().unwrap();
            let data = |file: &[u8]| {
                let scan = file.windows(2).position(|two| two == [0xff, 0xda]);
                file[scan.unwrap()..].to_vec()
            };
            assert!(data(&got) == data(&expected), "{quality} {subsampling:?}");
        }
    }
}

/// Float pixels with waves, grain, and alpha that comes and goes.
fn picture(device: &Device, width: u32, height: u32, grain: f32) -> Image {
    let mut noise = Noise::new(u64::from(width) << 32 | u64::from(height));
    let mut pixels = Vec::with_capacity((width * height * 4) as usize);
    for y in 0..height {
        for x in 0..width {
            let (x, y) = (x as f32, y as f32);
            let mut channel = |phase: f32| {
                let wave = (x / (17.0 + phase)).sin() + (y / (23.0 - phase)).cos();
                let noise = (noise.next() >> 40) as f32 / (1u64 << 24) as f32;
                0.5 + wave * 0.24 + (noise - 0.5) * grain
            };
            pixels.extend([channel(0.0), channel(3.0), channel(7.0)]);
            pixels.push(if x as u32 % 50 < 5 { 0.5 } else { 1.0 });
        }
    }
    let mut image = Image::new(device, width, height).unwrap();
    image.upload(&pixels).unwrap();
    image
}

fn encode(image: &Image, options: &SaveOptions, encoder: JpegEncoder) -> Vec<u8> {
    let options = options.clone().jpeg_encoder(encoder);
    options.encode(image, Format::Jpeg).unwrap()
}

fn the_same_bytes_on_every_device(device: &Device) {
    let sizes = [
        (1, 1),
        (7, 9),
        (8, 8),
        (16, 16),
        (127, 17),
        (128, 16),
        (129, 33),
        (131, 257),
        (640, 401),
        (1, 300),
        (3000, 3),
    ];
    let mut number = 0;
    for (width, height) in sizes {
        for grain in [0.0, 0.05, 1.2] {
            let image = picture(device, width, height, grain);
            for subsampling in [
                Subsampling::Yuv444,
                Subsampling::Yuv422,
                Subsampling::Yuv420,
            ] {
                number += 1;
                let mut options = SaveOptions::new()
                    .quality([1, 30, 75, 90, 97, 100][number % 6])
                    .optimize_huffman(number % 4 == 1)
                    .progressive(number % 3 == 0)
                    .restart_interval([0, 0, 1, 3, 300][number % 5])
                    .background([10, 200, 90]);
                options = match number % 7 {
                    0 => options.channels(Channels::Gray),
                    _ => options.subsampling(subsampling),
                };
                let host = encode(&image, &options, JpegEncoder::Host);
                let case = format!("{width}x{height}, {grain}, {options:?}");
                for encoder in [JpegEncoder::Kernels, JpegEncoder::Auto] {
                    let other = encode(&image, &options, encoder);
                    assert!(other == host, "{encoder:?}: {case}");
                }
                let cpu = picture(&Device::cpu(), width, height, grain);
                assert!(
                    encode(&cpu, &options, JpegEncoder::Host) == host,
                    "CPU: {case}"
                );
                // Other decoders take it, and ours gives libjpeg's pixels.
                jpeg_decoder::Decoder::new(&host[..]).decode().unwrap();
                let zune = zune_jpeg::zune_core::bytestream::ZCursor::new(&host[..]);
                let strict = zune_jpeg::zune_core::options::DecoderOptions::new_safe()
                    .set_strict_mode(true)
                    .set_max_height(usize::MAX);
                zune_jpeg::JpegDecoder::new_with_options(zune, strict)
                    .decode()
                    .unwrap();
                let expected = reference(&host).unwrap().picture();
                let loaded = LoadOptions::new().decode_u8(device, &host).unwrap();
                let got = Picture {
                    size: [width, height].map(|side| side as usize),
                    rgba: loaded.download().unwrap(),
                };
                assert_eq!(difference(&got, &expected), None, "{case}");
            }
        }
    }
}

fn a_large_picture_is_the_same(device: &Device) {
    let image = picture(device, 3001, 2003, 0.1);
    for (subsampling, interval) in [(Subsampling::Yuv420, 0), (Subsampling::Yuv444, 188)] {
        for progressive in [false, true] {
            let options = SaveOptions::new()
                .quality(90)
                .subsampling(subsampling)
                .progressive(progressive)
                .restart_interval(interval);
            let host = encode(&image, &options, JpegEncoder::Host);
            assert!(
                encode(&image, &options, JpegEncoder::Kernels) == host,
                "{options:?}"
            );
        }
    }
}

fn the_longest_side_there_can_be(device: &Device) {
    for (width, height) in [(65_500, 9), (3, 65_500)] {
        let image = picture(device, width, height, 0.2);
        let options = SaveOptions::new().quality(80);
        let host = encode(&image, &options, JpegEncoder::Host);
        assert!(encode(&image, &options, JpegEncoder::Kernels) == host);
        let info = imagecuda::inspect_bytes(&host).unwrap();
        assert_eq!((info.width(), info.height()), (width, height));
    }
    let image = Image::new(device, 65_536, 1).unwrap();
    for encoder in [JpegEncoder::Host, JpegEncoder::Kernels] {
        let options = SaveOptions::new().jpeg_encoder(encoder);
        let error = options.encode(&image, Format::Jpeg).unwrap_err();
        is_one_pixel_too_wide(&error);
    }
}

fn images_may_change_while_they_are_saved(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let saver = imagecuda::batch::Saver::new(SaveOptions::new().quality(85)).threads(3);
    let mut expected = Vec::new();
    let mut image = picture(device, 700, 500, 0.1);
    for i in 0..12 {
        let other = picture(device, 700 - i, 500, 0.02 * i as f32);
        image.reshape(700 - i, 500).unwrap();
        image.copy_from(&other).unwrap();
        expected.push(encode(
            &image,
            &SaveOptions::new().quality(85),
            JpegEncoder::Host,
        ));
        saver.save(&image, folder.path().join(format!("{i}.jpg")));
    }
    for (saved, expected) in saver.finish().into_iter().zip(expected) {
        saved.result.unwrap();
        assert!(
            fs::read(&saved.path).unwrap() == expected,
            "{:?}",
            saved.path
        );
    }
}
