//! What is saved comes back, in every format.

use crate::support::{
    bits, data,
    pictures::{LOSSLESS_RGBA, decode_u8, flattened, opaque, picture, psnr},
    same,
};
use imagecuda::{Device, Format, Image, ImageU8, Layout, LoadOptions, SaveOptions, load};
use libtest_mimic::Trial;
use std::{
    fs::File,
    io::{BufReader, Cursor},
};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        lossless_formats_keep_every_byte,
        formats_without_alpha_flatten_onto_black,
        a_background_flattens_for_any_format,
        float_formats_keep_what_is_past_one,
        radiance_pixels_stay_the_same,
        lossy_formats_are_close_and_quality_matters,
        best_quality_is_the_default,
        deeper_files_keep_their_precision,
        gray_and_palette_become_rgba,
        other_decoders_read_what_is_saved,
        the_sample_loads,
    ])
}

fn lossless_formats_keep_every_byte(device: &Device) {
    for format in LOSSLESS_RGBA {
        for (width, height) in [(1, 1), (1, 7), (7, 1), (31, 17), (256, 201)] {
            let image = picture(device, width, height);
            let expected = image.download().unwrap();
            let file = SaveOptions::new().encode_u8(&image, format).unwrap();
            let options = LoadOptions::new().format(format);
            let back = options.decode_u8(device, &file).unwrap();
            assert_eq!((back.width(), back.height()), (width, height));
            same(
                &back.download().unwrap(),
                &expected,
                (format, width, height),
            );
            // By way of floats it is the same file and the same pixels.
            let float = image.to_f32().unwrap();
            assert!(
                SaveOptions::new().encode(&float, format).unwrap() == file,
                "{format}"
            );
            let back = options.decode(device, &file).unwrap();
            same(
                &bits(&back.download().unwrap()),
                &bits(&float.download().unwrap()),
                format,
            );
        }
    }
    // Colours under full transparency are colours too.
    let clear = [9, 99, 199, 0].repeat(64);
    let image = ImageU8::from_pixels(device, 8, 8, Layout::Rgba8, &clear).unwrap();
    for format in LOSSLESS_RGBA {
        let file = SaveOptions::new().encode_u8(&image, format).unwrap();
        let back = LoadOptions::new().format(format).decode_u8(device, &file);
        same(&back.unwrap().download().unwrap(), &clear, format);
    }
}

fn formats_without_alpha_flatten_onto_black(device: &Device) {
    let image = picture(device, 61, 43);
    let expected = flattened(&image.download().unwrap(), [0; 3]);
    let file = SaveOptions::new().encode_u8(&image, Format::Pnm).unwrap();
    same(
        &decode_u8(device, &file).download().unwrap(),
        &expected,
        "PNM",
    );
    let file = SaveOptions::new().encode_u8(&image, Format::Jpeg).unwrap();
    assert!(psnr(&decode_u8(device, &file).download().unwrap(), &expected) > 40.0);
}

fn a_background_flattens_for_any_format(device: &Device) {
    let image = picture(device, 61, 43);
    let white = SaveOptions::new().background([255, 250, 3]);
    let expected = flattened(&image.download().unwrap(), [255, 250, 3]);
    for format in LOSSLESS_RGBA.into_iter().chain([Format::Pnm]) {
        let file = white.encode_u8(&image, format).unwrap();
        let back = LoadOptions::new().format(format).decode_u8(device, &file);
        same(&back.unwrap().download().unwrap(), &expected, format);
    }
    let file = white.encode_u8(&image, Format::Jpeg).unwrap();
    assert!(psnr(&decode_u8(device, &file).download().unwrap(), &expected) > 40.0);
}

fn float_formats_keep_what_is_past_one(device: &Device) {
    let samples: Vec<f32> = (0..64)
        .flat_map(|i| {
            let v = i as f32 / 8.0;
            [v, v * 0.9, v * 0.95, 1.0]
        })
        .collect();
    let mut image = Image::new(device, 8, 8).unwrap();
    image.upload(&samples).unwrap();
    for (format, tolerance) in [(Format::Exr, 1e-5), (Format::Hdr, 0.0025)] {
        let file = SaveOptions::new().encode(&image, format).unwrap();
        let back = LoadOptions::new().decode(device, &file).unwrap();
        for (a, b) in back.download().unwrap().iter().zip(&samples) {
            assert!(
                (a - b).abs() <= tolerance * b.max(1.0),
                "{format}: {a} for {b}"
            );
        }
    }
}

/// Pixels of Radiance HDR stay the same, however often they are loaded and saved.
fn radiance_pixels_stay_the_same(device: &Device) {
    let exponents = [
        1, 2, 3, 20, 64, 100, 127, 128, 129, 130, 160, 200, 253, 254, 255,
    ];
    let mut pixels = vec![[0; 4]; 4];
    for exponent in exponents {
        for largest in 128..=255_u8 {
            for other in [0, 1, largest / 3, largest - 1] {
                pixels.push([other, largest, largest - other, exponent]);
            }
        }
    }
    // Scanlines of four pixels have no runs, so that the file ends in the pixels.
    let mut first = format!("#?RADIANCE\n\n-Y {} +X 4\n", pixels.len() / 4).into_bytes();
    first.extend(pixels.as_flattened());
    let image = LoadOptions::new().decode(device, &first).unwrap();
    let expected = bits(&image.download().unwrap());
    let mut file = first;
    for generation in 1..=3 {
        let image = LoadOptions::new().decode(device, &file).unwrap();
        assert!(bits(&image.download().unwrap()) == expected, "{generation}");
        file = SaveOptions::new().encode(&image, Format::Hdr).unwrap();
        let saved = &file[file.len() - 4 * pixels.len()..];
        assert!(saved == pixels.as_flattened(), "{generation}");
    }
}

fn lossy_formats_are_close_and_quality_matters(device: &Device) {
    let image = opaque(&picture(device, 255, 129));
    let original = image.download().unwrap();
    for format in [Format::Jpeg, Format::WebP] {
        let mut before = usize::MAX;
        for (quality, at_least) in [(95, 33.0), (75, 25.0), (20, 20.0)] {
            let options = SaveOptions::new().quality(quality);
            let file = options.encode_u8(&image, format).unwrap();
            assert!(
                file.len() < before,
                "{format} {quality}: {} bytes",
                file.len()
            );
            before = file.len();
            let back = decode_u8(device, &file);
            assert_eq!((back.width(), back.height()), (255, 129));
            let psnr = psnr(&back.download().unwrap(), &original);
            assert!(psnr >= at_least, "{format} {quality}: {psnr} dB");
        }
    }
}

fn best_quality_is_the_default(device: &Device) {
    let image = opaque(&picture(device, 64, 64));
    let default = SaveOptions::new().encode_u8(&image, Format::Jpeg).unwrap();
    let best = SaveOptions::new()
        .quality(100)
        .encode_u8(&image, Format::Jpeg);
    assert!(default == best.unwrap());
    assert!(
        psnr(
            &decode_u8(device, &default).download().unwrap(),
            &image.download().unwrap()
        ) > 45.0
    );
    // WebP's default is lossless, which quality 100 is not.
    let lossless = SaveOptions::new().encode_u8(&image, Format::WebP).unwrap();
    let lossy = SaveOptions::new()
        .quality(100)
        .encode_u8(&image, Format::WebP)
        .unwrap();
    assert!(lossless != lossy);
}

fn deeper_files_keep_their_precision(device: &Device) {
    let samples: Vec<u16> = (0..4096u32).map(|i| (i * 16 + i / 256) as u16).collect();
    let pixels = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(64, 64, samples.clone());
    let mut file = Cursor::new(Vec::new());
    pixels
        .unwrap()
        .write_to(&mut file, image::ImageFormat::Png)
        .unwrap();
    let loaded = LoadOptions::new().decode(device, file.get_ref()).unwrap();
    let expected: Vec<f32> = samples
        .iter()
        .flat_map(|&v| {
            let l = (f64::from(v) / 65535.0) as f32;
            [l, l, l, 1.0]
        })
        .collect();
    same(
        &bits(&loaded.download().unwrap()),
        &bits(&expected),
        "16-bit gray",
    );
    // Eight bits of it are scaled, not cut.
    let scaled = decode_u8(device, file.get_ref()).download().unwrap();
    for (q, v) in scaled.chunks(4).zip(&samples) {
        assert_eq!(q[0], (f64::from(*v) / 257.0).round() as u8);
    }
}

fn gray_and_palette_become_rgba(device: &Device) {
    let gray: Vec<u8> = (0..=255).collect();
    let pixels = image::GrayImage::from_raw(16, 16, gray.clone()).unwrap();
    let mut file = Cursor::new(Vec::new());
    pixels.write_to(&mut file, image::ImageFormat::Png).unwrap();
    let expected: Vec<u8> = gray.iter().flat_map(|&l| [l, l, l, 255]).collect();
    same(
        &decode_u8(device, file.get_ref()).download().unwrap(),
        &expected,
        "gray",
    );
    // A GIF is a palette; few colours survive it exactly.
    let colors = [
        [255, 0, 0, 255],
        [0, 255, 0, 255],
        [0, 0, 255, 255],
        [0, 0, 0, 0],
    ];
    let samples = colors.concat().repeat(16);
    let image = ImageU8::from_pixels(device, 8, 8, Layout::Rgba8, &samples).unwrap();
    let file = SaveOptions::new().encode_u8(&image, Format::Gif).unwrap();
    same(
        &decode_u8(device, &file).download().unwrap(),
        &samples,
        "GIF",
    );
}

fn other_decoders_read_what_is_saved(device: &Device) {
    let image = picture(device, 61, 43);
    let expected = image.download().unwrap();
    let png = SaveOptions::new().encode_u8(&image, Format::Png).unwrap();
    let mut other = zune_png::PngDecoder::new(zune_png::zune_core::bytestream::ZCursor::new(&png));
    same(
        &other.decode().unwrap().u8().unwrap(),
        &expected,
        "zune-png",
    );

    let webp = SaveOptions::new().encode_u8(&image, Format::WebP).unwrap();
    let mut other = image_webp::WebPDecoder::new(Cursor::new(&webp)).unwrap();
    let mut pixels = vec![0; expected.len()];
    other.read_image(&mut pixels).unwrap();
    same(&pixels, &expected, "image-webp");

    let jpeg = SaveOptions::new()
        .quality(80)
        .encode_u8(&image, Format::Jpeg)
        .unwrap();
    let rgb = jpeg_decoder::Decoder::new(Cursor::new(&jpeg))
        .decode()
        .unwrap();
    let ours = decode_u8(device, &jpeg).download().unwrap();
    let ours: Vec<u8> = ours.chunks(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    assert!(psnr(&ours, &rgb) > 40.0, "{}", psnr(&ours, &rgb));
}

fn the_sample_loads(device: &Device) {
    let path = data("examples/data/sample.jpg");
    let image = LoadOptions::new().load(device, &path).unwrap();
    assert_eq!((image.width(), image.height()), (1600, 1067));
    // The default device, whichever it is, agrees.
    same(
        &bits(&load(&path).unwrap().download().unwrap()),
        &bits(&image.download().unwrap()),
        "default",
    );
    // Another decoder: within the two that different IDCTs and upsampling are apart.
    let mut other = jpeg_decoder::Decoder::new(BufReader::new(File::open(&path).unwrap()));
    let rgb = other.decode().unwrap();
    let ours = image.to_u8().unwrap().download().unwrap();
    let ours: Vec<u8> = ours.chunks(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    assert!(psnr(&ours, &rgb) > 45.0, "{}", psnr(&ours, &rgb));
}
