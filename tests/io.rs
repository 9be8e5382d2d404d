//! Loading and saving on every device: what goes in comes out, in every format; and what
//! cannot be done is a typed error that changes nothing.

use crate::support::{Noise, bits, same};
use imagecuda::{
    Device, Error, ErrorKind, Format, Image, ImageU8, Layout, LoadOptions, SaveOptions, load,
};
use libtest_mimic::Trial;
use std::{
    error::Error as _,
    fs::{self, File},
    io::{BufReader, Cursor},
    path::Path,
};
use tempfile::TempDir;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        lossless_formats_keep_every_byte,
        formats_without_alpha_flatten_onto_black,
        a_background_flattens_for_any_format,
        float_formats_keep_what_is_past_one,
        lossy_formats_are_close_and_quality_matters,
        best_quality_is_the_default,
        deeper_files_keep_their_precision,
        gray_and_palette_become_rgba,
        path_bytes_and_reader_give_the_same,
        load_into_sets_the_size,
        load_into_a_small_buffer_changes_nothing,
        eight_bits_pass_through_the_callers_buffer,
        deeper_files_leave_the_callers_buffer_alone,
        a_hundred_loads_into_one_buffer,
        a_batch_through_one_pair_of_buffers,
        save_via_writes_the_same_file,
        save_u8_writes_the_same_file,
        the_stages_make_the_whole,
        format_is_found_by_content,
        tga_is_found_by_name_alone,
        a_format_can_be_forced,
        missing_empty_and_unknown_files_are_errors,
        truncated_files_are_errors,
        limits_hold_before_anything_is_allocated,
        unknown_targets_are_errors,
        options_a_format_cannot_honour_are_errors,
        sizes_a_format_cannot_hold_are_errors,
        a_failed_save_leaves_the_old_file,
        read_only_targets_are_refused,
        saves_follow_links_and_keep_permissions,
        a_pipe_is_written_in_place,
        errors_name_file_format_and_cause,
        other_decoders_read_what_is_saved,
        the_sample_loads,
    ])
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// An image of noise with soft structure, alpha included, so that lossy formats have a chance.
fn picture(device: &Device, width: u32, height: u32) -> ImageU8 {
    let mut noise = Noise::new(u64::from(width) << 32 | u64::from(height));
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let wave = |k: u32| {
                let phase = f64::from(x * k) / 23.0 + f64::from(y * (5 - k)) / 17.0;
                (phase.sin() * 100.0 + 128.0) as u8
            };
            let grain = (noise.next() >> 61) as u8;
            samples.extend([wave(1) + grain, wave(2), wave(3) ^ (grain & 1), wave(4)]);
        }
    }
    let mut image = ImageU8::new(device, width, height).unwrap();
    image.upload(&samples).unwrap();
    image
}

fn opaque(image: &ImageU8) -> ImageU8 {
    let mut samples = image.download().unwrap();
    samples.iter_mut().skip(3).step_by(4).for_each(|a| *a = 255);
    let mut copy = ImageU8::new(image.device(), image.width(), image.height()).unwrap();
    copy.upload(&samples).unwrap();
    copy
}

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |(x, y): (&u8, &u8)| f64::from(x.abs_diff(*y)).powi(2);
    let mse = a.iter().zip(b).map(square).sum::<f64>() / a.len() as f64;
    10.0 * (255.0 * 255.0 / mse.max(1e-9)).log10()
}

fn decode_u8(device: &Device, bytes: &[u8]) -> ImageU8 {
    LoadOptions::new().decode_u8(device, bytes).unwrap()
}

const LOSSLESS_RGBA: [Format; 7] = [
    Format::Png,
    Format::WebP,
    Format::Tiff,
    Format::Bmp,
    Format::Qoi,
    Format::Tga,
    Format::Ico,
];

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

/// The naive blend of the documentation, on 8-bit values.
fn flattened(rgba: &[u8], background: [u8; 3]) -> Vec<u8> {
    let unit = |x: u8| f32::from(x) / 255.0;
    rgba.chunks(4)
        .flat_map(|p| {
            let a = unit(p[3]);
            let blend = |c: usize| unit(p[c]) * a + unit(background[c]) * (1.0 - a);
            [0, 1, 2]
                .map(|c| (blend(c) * 255.0 + 0.5) as u8)
                .into_iter()
                .chain([255])
        })
        .collect()
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
    for (format, tolerance) in [(Format::Exr, 1e-5), (Format::Hdr, 0.03)] {
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

fn path_bytes_and_reader_give_the_same(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.png");
    SaveOptions::new()
        .save_u8(&picture(device, 40, 30), &path)
        .unwrap();
    let options = LoadOptions::new();
    let expected = bits(&options.load(device, &path).unwrap().download().unwrap());
    let bytes = fs::read(&path).unwrap();
    let from_bytes = options.decode(device, &bytes).unwrap();
    same(&bits(&from_bytes.download().unwrap()), &expected, "bytes");
    let reader = BufReader::new(File::open(&path).unwrap());
    let from_reader = options.decode_from(device, reader).unwrap();
    same(&bits(&from_reader.download().unwrap()), &expected, "reader");
    let mut into = Image::new(device, 100, 100).unwrap();
    options.decode_into(&bytes, &mut into).unwrap();
    same(&bits(&into.download().unwrap()), &expected, "bytes into");
    let u8s = options.load_u8(device, &path).unwrap();
    same(
        &bits(&u8s.to_f32().unwrap().download().unwrap()),
        &expected,
        "load_u8",
    );
    let mut written = Vec::new();
    let image = options.load(device, &path).unwrap();
    SaveOptions::new()
        .encode_to(&image, Format::Png, &mut written)
        .unwrap();
    assert!(written == bytes);
}

fn load_into_sets_the_size(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.png");
    let picture = picture(device, 40, 30);
    SaveOptions::new().save_u8(&picture, &path).unwrap();
    assert_eq!(
        LoadOptions::new().load(device, &path).unwrap().capacity(),
        1200
    );
    let mut image = Image::new(device, 64, 64).unwrap();
    imagecuda::load_into(&path, &mut image).unwrap();
    assert_eq!(
        (image.width(), image.height(), image.capacity()),
        (40, 30, 4096)
    );
    same(
        &image.to_u8().unwrap().download().unwrap(),
        &picture.download().unwrap(),
        "pixels",
    );
    let mut bytes = ImageU8::new(device, 64, 64).unwrap();
    imagecuda::load_u8_into(&path, &mut bytes).unwrap();
    assert_eq!((bytes.width(), bytes.height()), (40, 30));
    same(
        &bytes.download().unwrap(),
        &picture.download().unwrap(),
        "bytes",
    );
}

fn load_into_a_small_buffer_changes_nothing(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.png");
    SaveOptions::new()
        .save_u8(&picture(device, 40, 30), &path)
        .unwrap();
    let mut small = Image::new(device, 30, 30).unwrap();
    small.upload(&[0.25; 3600]).unwrap();
    let mut room = ImageU8::new(device, 64, 64).unwrap();
    room.upload(&[7; 16_384]).unwrap();
    for attempt in 0..3 {
        let error = match attempt {
            0 => imagecuda::load_into(&path, &mut small),
            1 => imagecuda::load_into_via(&path, &mut small, &mut room),
            _ => LoadOptions::new().decode_into(&fs::read(&path).unwrap(), &mut small),
        }
        .unwrap_err();
        let ErrorKind::OverCapacity {
            width,
            height,
            capacity,
        } = *error.kind()
        else {
            panic!("{error}");
        };
        assert_eq!((width, height, capacity), (40, 30, 900));
        assert_eq!(error.path(), (attempt < 2).then_some(&*path));
        assert_eq!((small.width(), small.height()), (30, 30));
        assert_eq!(small.download().unwrap(), [0.25; 3600]);
        assert_eq!(room.download().unwrap(), [7; 16_384]);
    }
    // Room in the image, none in the buffer between.
    let mut image = Image::new(device, 64, 64).unwrap();
    let mut small = ImageU8::new(device, 8, 8).unwrap();
    imagecuda::load_into_via(&path, &mut image, &mut small).unwrap_err();
    assert_eq!((image.width(), image.height(), small.width()), (64, 64, 8));
    assert_eq!(image.download().unwrap(), [0.0; 16_384]);
}

fn eight_bits_pass_through_the_callers_buffer(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.png");
    let picture = picture(device, 40, 30);
    SaveOptions::new()
        .background([0; 3])
        .save_u8(&picture, &path)
        .unwrap();
    let mut image = Image::new(device, 64, 64).unwrap();
    let mut via = ImageU8::new(device, 64, 64).unwrap();
    imagecuda::load_into_via(&path, &mut image, &mut via).unwrap();
    assert_eq!((via.width(), via.height()), (40, 30));
    let rgba = via.download().unwrap();
    same(
        &rgba,
        &flattened(&picture.download().unwrap(), [0; 3]),
        "buffer",
    );
    same(&image.to_u8().unwrap().download().unwrap(), &rgba, "image");
}

fn deeper_files_leave_the_callers_buffer_alone(device: &Device) {
    let samples = Image::new(device, 8, 8).unwrap();
    let file = SaveOptions::new().encode(&samples, Format::Exr).unwrap();
    let folder = folder();
    let path = folder.path().join("a.exr");
    fs::write(&path, file).unwrap();
    let mut image = Image::new(device, 16, 16).unwrap();
    let mut via = ImageU8::new(device, 16, 16).unwrap();
    via.upload(&[7; 1024]).unwrap();
    imagecuda::load_into_via(&path, &mut image, &mut via).unwrap();
    assert_eq!((image.width(), via.width()), (8, 16));
    assert_eq!(via.download().unwrap(), [7; 1024]);
}

fn a_hundred_loads_into_one_buffer(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.png");
    let picture = picture(device, 40, 30);
    SaveOptions::new().save_u8(&picture, &path).unwrap();
    let expected = picture.to_f32().unwrap().download().unwrap();
    let mut image = Image::new(device, 64, 64).unwrap();
    for _ in 0..100 {
        image.reshape(1, 1).unwrap();
        imagecuda::load_into(&path, &mut image).unwrap();
        same(&bits(&image.download().unwrap()), &bits(&expected), "load");
    }
}

fn a_batch_through_one_pair_of_buffers(device: &Device) {
    let folder = folder();
    let mut image = Image::new(device, 64, 64).unwrap();
    let mut via = ImageU8::new(device, 64, 64).unwrap();
    for i in 1..20u32 {
        let source = picture(device, 3 * i, 64 - 3 * i);
        let input = folder.path().join(format!("in_{i}.png"));
        let output = folder.path().join(format!("out_{i}.tif"));
        SaveOptions::new().save_u8(&source, &input).unwrap();
        imagecuda::load_into_via(&input, &mut image, &mut via).unwrap();
        imagecuda::save_via(&image, &output, &mut via).unwrap();
        let back = LoadOptions::new().load_u8(device, &output).unwrap();
        assert_eq!((back.width(), back.height()), (3 * i, 64 - 3 * i));
        same(&back.download().unwrap(), &source.download().unwrap(), i);
    }
    assert_eq!((image.capacity(), via.capacity()), (4096, 4096));
}

fn save_via_writes_the_same_file(device: &Device) {
    let folder = folder();
    let mut image = Image::new(device, 40, 30).unwrap();
    image.upload(&Noise::new(1).floats(4800)).unwrap();
    for name in ["a.png", "a.jpg", "a.exr"] {
        let (plain, with) = (
            folder.path().join(name),
            folder.path().join(format!("via_{name}")),
        );
        let mut via = ImageU8::new(device, 64, 64).unwrap();
        via.upload(&[7; 16_384]).unwrap();
        imagecuda::save(&image, &plain).unwrap();
        imagecuda::save_via(&image, &with, &mut via).unwrap();
        assert!(
            fs::read(&plain).unwrap() == fs::read(&with).unwrap(),
            "{name}"
        );
        if name == "a.exr" {
            assert_eq!(via.download().unwrap(), [7; 16_384]);
        } else {
            let expected = image.to_u8().unwrap().download().unwrap();
            same(&via.download().unwrap(), &expected, name);
        }
        let mut small = ImageU8::new(device, 5, 5).unwrap();
        let result = imagecuda::save_via(&image, &with, &mut small);
        assert_eq!(result.is_err(), name != "a.exr");
        assert_eq!(small.width(), 5);
    }
}

fn save_u8_writes_the_same_file(device: &Device) {
    let image = picture(device, 40, 30);
    let float = image.to_f32().unwrap();
    for format in [Format::Png, Format::Jpeg, Format::Bmp, Format::Exr] {
        let options = SaveOptions::new();
        let a = options.encode_u8(&image, format).unwrap();
        assert!(a == options.encode(&float, format).unwrap(), "{format}");
    }
}

fn the_stages_make_the_whole(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.png");
    let picture = picture(device, 40, 30);
    SaveOptions::new()
        .background([0; 3])
        .save_u8(&picture, &path)
        .unwrap();
    let decoded = LoadOptions::new().read(device, &path).unwrap();
    assert_eq!(decoded.format(), Format::Png);
    assert_eq!(decoded.layout(), Layout::Rgb8);
    assert_eq!((decoded.width(), decoded.height()), (40, 30));
    let image = decoded.into_image().unwrap();
    let target = folder.path().join("b.bmp");
    let prepared = SaveOptions::new().prepare(&image, &target).unwrap();
    assert_eq!(
        (prepared.format(), prepared.layout()),
        (Format::Bmp, Layout::Rgba8)
    );
    prepared.save(&target).unwrap();
    assert!(fs::read(&target).unwrap() == SaveOptions::new().encode(&image, Format::Bmp).unwrap());
    assert!(fs::read(&target).unwrap() == prepared.encode().unwrap());
}

fn format_is_found_by_content(device: &Device) {
    let folder = folder();
    let picture = picture(device, 20, 10);
    for format in LOSSLESS_RGBA.into_iter().filter(|f| *f != Format::Tga) {
        let path = folder.path().join("misnamed.jpg");
        SaveOptions::new()
            .format(format)
            .save_u8(&picture, &path)
            .unwrap();
        let decoded = LoadOptions::new().read(device, &path).unwrap();
        assert_eq!(decoded.format(), format);
        let back = decoded.into_image_u8().unwrap();
        same(
            &back.download().unwrap(),
            &picture.download().unwrap(),
            format,
        );
    }
}

fn tga_is_found_by_name_alone(device: &Device) {
    let folder = folder();
    let picture = picture(device, 20, 10);
    let path = folder.path().join("a.TGA");
    SaveOptions::new().save_u8(&picture, &path).unwrap();
    let back = LoadOptions::new().load_u8(device, &path).unwrap();
    same(
        &back.download().unwrap(),
        &picture.download().unwrap(),
        "TGA",
    );
    let other = folder.path().join("a.dat");
    fs::copy(&path, &other).unwrap();
    let error = LoadOptions::new().load_u8(device, &other).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::UnknownFormat), "{error}");
}

fn a_format_can_be_forced(device: &Device) {
    let picture = picture(device, 20, 10);
    let file = SaveOptions::new().encode_u8(&picture, Format::Tga).unwrap();
    LoadOptions::new().decode(device, &file).unwrap_err();
    LoadOptions::new()
        .format(Format::Tga)
        .decode(device, &file)
        .unwrap();
    let error = LoadOptions::new()
        .format(Format::Png)
        .decode(device, &file)
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    assert_eq!(error.format(), Some(Format::Png));
}

fn load_error(device: &Device, path: &Path) -> Error {
    let error = LoadOptions::new().load(device, path).unwrap_err();
    assert_eq!(error.path(), Some(path));
    assert!(
        error.to_string().starts_with(&path.display().to_string()),
        "{error}"
    );
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

fn missing_empty_and_unknown_files_are_errors(device: &Device) {
    let folder = folder();
    let error = load_error(device, &folder.path().join("missing.png"));
    let ErrorKind::Io(io) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(io.kind(), std::io::ErrorKind::NotFound);
    assert!(error.source().is_some());

    let error = load_error(device, folder.path());
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");

    let empty = folder.path().join("empty.png");
    File::create(&empty).unwrap();
    let error = load_error(device, &empty);
    assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    assert!(error.to_string().contains("empty"), "{error}");

    let text = folder.path().join("text.png");
    fs::write(&text, "no picture, just words").unwrap();
    let error = load_error(device, &text);
    assert!(matches!(error.kind(), ErrorKind::UnknownFormat), "{error}");
    LoadOptions::new().decode(device, b"").unwrap_err();
    LoadOptions::new().decode(device, b"\xff").unwrap_err();
}

fn truncated_files_are_errors(device: &Device) {
    let picture = opaque(&picture(device, 97, 61));
    let all = [
        Format::Jpeg,
        Format::Gif,
        Format::Pnm,
        Format::Exr,
        Format::Hdr,
    ];
    for format in LOSSLESS_RGBA.into_iter().chain(all) {
        let file = SaveOptions::new().encode_u8(&picture, format).unwrap();
        let options = LoadOptions::new().format(format);
        options.decode(device, &file).unwrap();
        for percent in [5, 30, 60, 90] {
            let cut = &file[..file.len() * percent / 100];
            let error = match options.decode(device, cut) {
                Err(error) => error,
                Ok(_) => panic!("{format} of {percent} % was taken for whole"),
            };
            let kind = error.kind();
            assert!(
                matches!(kind, ErrorKind::Decode(_) | ErrorKind::Unsupported(_)),
                "{error}"
            );
            assert_eq!(error.format(), Some(format), "{error}");
        }
    }
}

fn limits_hold_before_anything_is_allocated(device: &Device) {
    let picture = opaque(&picture(device, 100, 50));
    let all = [
        Format::Jpeg,
        Format::Gif,
        Format::Pnm,
        Format::Exr,
        Format::Hdr,
    ];
    for format in LOSSLESS_RGBA.into_iter().chain(all) {
        let file = SaveOptions::new().encode_u8(&picture, format).unwrap();
        let options = LoadOptions::new().format(format);
        options
            .clone()
            .max_pixels(5000)
            .decode(device, &file)
            .unwrap();
        let error = options.max_pixels(4999).decode(device, &file).unwrap_err();
        let ErrorKind::LimitExceeded {
            what,
            requested,
            limit,
        } = *error.kind()
        else {
            panic!("{format}: {error}");
        };
        assert_eq!((what, requested, limit), ("pixels", 5000, 4999));
    }
    let file = SaveOptions::new().encode_u8(&picture, Format::Png).unwrap();
    let error = LoadOptions::new()
        .max_bytes(19_999)
        .decode(device, &file)
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::LimitExceeded { what: "bytes", .. }),
        "{error}"
    );
    // A PNG that declares 2 gigapixels, and is whole until then.
    let mut bomb = file.clone();
    bomb[16..20].copy_from_slice(&50_000u32.to_be_bytes());
    bomb[20..24].copy_from_slice(&40_000u32.to_be_bytes());
    let crc = crate::support::crc32(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&crc.to_be_bytes());
    let error = LoadOptions::new().decode(device, &bomb).unwrap_err();
    let ErrorKind::LimitExceeded { requested, .. } = *error.kind() else {
        panic!("{error}");
    };
    assert_eq!(requested, 2_000_000_000);
    let error = LoadOptions::new().max_bytes(100).decode(device, &file);
    let error = error.unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::LimitExceeded {
            what: "bytes",
            limit: 100,
            ..
        }
    ));
}

fn unknown_targets_are_errors(device: &Device) {
    let folder = folder();
    let image = Image::new(device, 4, 4).unwrap();
    for name in ["a", "a.docx", "a.", ".png2"] {
        let path = folder.path().join(name);
        let error = imagecuda::save(&image, &path).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::UnknownFormat), "{error}");
        assert_eq!(error.path(), Some(&*path));
    }
    let error = imagecuda::save(&image, folder.path().join("a.pgm")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error}");
    let missing = folder.path().join("no/such/folder/a.png");
    let error = imagecuda::save(&image, &missing).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing is left behind"
    );
}

fn options_a_format_cannot_honour_are_errors(device: &Device) {
    let image = Image::new(device, 4, 4).unwrap();
    for quality in [0, 101, 255] {
        for format in [Format::Jpeg, Format::WebP] {
            let error = SaveOptions::new().quality(quality).encode(&image, format);
            let error = error.unwrap_err();
            assert!(matches!(
                error.kind(),
                ErrorKind::InvalidOption {
                    option: "quality",
                    ..
                }
            ));
        }
    }
    let lossless = [Format::Gif, Format::Pnm, Format::Exr, Format::Hdr];
    for format in LOSSLESS_RGBA.into_iter().chain(lossless) {
        let result = SaveOptions::new().quality(90).encode(&image, format);
        if format == Format::WebP {
            result.unwrap();
            continue;
        }
        let error = result.unwrap_err();
        assert!(
            matches!(
                error.kind(),
                ErrorKind::InvalidOption {
                    option: "quality",
                    ..
                }
            ),
            "{format}: {error}"
        );
    }
}

fn sizes_a_format_cannot_hold_are_errors(device: &Device) {
    let cases = [
        (Format::Jpeg, 65_536, 1),
        (Format::WebP, 16_384, 1),
        (Format::Ico, 257, 1),
    ];
    for (format, width, height) in cases {
        let image = ImageU8::new(device, width, height).unwrap();
        let error = SaveOptions::new().encode_u8(&image, format).unwrap_err();
        let kind = error.kind();
        let typed = matches!(kind, ErrorKind::Unsupported(_) | ErrorKind::Encode(_));
        assert!(typed, "{error}");
    }
}

fn a_failed_save_leaves_the_old_file(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.jpg");
    fs::write(&path, "what was there").unwrap();
    let wide = ImageU8::new(device, 65_536, 1).unwrap();
    SaveOptions::new().save_u8(&wide, &path).unwrap_err();
    let image = ImageU8::new(device, 4, 4).unwrap();
    SaveOptions::new()
        .quality(0)
        .save_u8(&image, &path)
        .unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"what was there");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is left behind"
    );
    SaveOptions::new().save_u8(&image, &path).unwrap();
    assert!(fs::read(&path).unwrap().starts_with(b"\xff\xd8"));
}

fn read_only_targets_are_refused(device: &Device) {
    let folder = folder();
    let image = Image::new(device, 4, 4).unwrap();
    let path = folder.path().join("a.png");
    fs::write(&path, "keep").unwrap();
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let error = imagecuda::save(&image, &path).unwrap_err();
    let ErrorKind::Io(io) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(io.kind(), std::io::ErrorKind::PermissionDenied);
    assert_eq!(fs::read(&path).unwrap(), b"keep");

    let directory = folder.path().join("folder.png");
    fs::create_dir(&directory).unwrap();
    let error = imagecuda::save(&image, &directory).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
}

#[cfg(unix)]
fn saves_follow_links_and_keep_permissions(device: &Device) {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = folder();
    let image = Image::new(device, 4, 4).unwrap();
    let (target, link) = (
        folder.path().join("target.png"),
        folder.path().join("link.png"),
    );
    imagecuda::save(&image, &target).unwrap();
    // As any new file, not as a secret.
    let plain = folder.path().join("plain");
    File::create(&plain).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&target), mode(&plain));
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&target, &link).unwrap();
    imagecuda::save(&Image::new(device, 9, 9).unwrap(), &link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(LoadOptions::new().load(device, &target).unwrap().width(), 9);
    assert_eq!(mode(&target), 0o640);
    // A link to what is not there yet is followed too.
    let (ahead, link) = (
        folder.path().join("ahead.png"),
        folder.path().join("to_ahead.png"),
    );
    symlink("ahead.png", &link).unwrap();
    imagecuda::save(&image, &link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(ahead.is_file());
    // A circle of links is an error, not a hang.
    let circle = folder.path().join("circle.png");
    symlink("circle.png", &circle).unwrap();
    let error = imagecuda::save(&image, &circle).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
}

#[cfg(not(unix))]
fn saves_follow_links_and_keep_permissions(_: &Device) {}

#[cfg(unix)]
fn a_pipe_is_written_in_place(device: &Device) {
    let folder = folder();
    let pipe = folder.path().join("pipe.png");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    let image = picture(device, 40, 30);
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).unwrap()
    });
    SaveOptions::new().save_u8(&image, &pipe).unwrap();
    assert!(reader.join().unwrap() == SaveOptions::new().encode_u8(&image, Format::Png).unwrap());
}

#[cfg(not(unix))]
fn a_pipe_is_written_in_place(_: &Device) {}

fn errors_name_file_format_and_cause(device: &Device) {
    let folder = folder();
    let path = folder.path().join("cut.png");
    let file = SaveOptions::new()
        .encode_u8(&picture(device, 40, 30), Format::Png)
        .unwrap();
    fs::write(&path, &file[..file.len() / 2]).unwrap();
    let error = load_error(device, &path);
    assert_eq!(error.format(), Some(Format::Png));
    assert!(error.source().is_some(), "{error}");
    assert!(
        error.to_string().contains("cut.png (PNG): cannot decode: "),
        "{error}"
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
    let path = crate::support::data("examples/data/sample.jpg");
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
