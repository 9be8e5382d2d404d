//! Pictures of a batch that the host decodes, and that go up to a GPU together.

use crate::color::cmyk;
use crate::support::{
    Noise, alone, bits,
    pictures::{PNG_COLORS, noise_png, picture, png_with_exif},
    profiles::{Icc, PRO_PHOTO, curv, mft},
    same,
};
use image::ColorType;
use imagecuda::{
    ColorPolicy, Device, Format, Image, LoadOptions, PngDecoder, SaveOptions, Scale, batch::Loader,
};
use libtest_mimic::Trial;
use std::{fs, io::Cursor, path::PathBuf, sync::Arc};
use tiff::{
    encoder::{TiffEncoder, colortype},
    tags::Tag,
};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        every_layout_and_orientation_is_that_of_a_single_load,
        smaller_pictures_and_parts_are_those_of_single_loads,
        damaged_files_have_the_errors_of_single_loads_and_their_paths,
        a_loader_s_pictures_need_few_driver_calls,
    ])
}

fn by_host() -> LoadOptions {
    LoadOptions::new().png_decoder(PngDecoder::Host)
}

/// Profiles of two kinds for RGB, and one for CMYK.
fn profiles() -> [Vec<u8>; 3] {
    let light = |v: &[f64]| [(v[0] + 2.0 * v[1] + v[2]) / 4.0 * 0.99, 0.5, 0.5];
    let table = mft(true, (3, 5), |v| v, light, |v| v);
    let gray = Icc::new(b"RGB ", b"Lab ").with(b"A2B0", table).bytes();
    let wide = Icc::rgb(PRO_PHOTO, &curv(&[0x0200])).bytes();
    [wide, gray, cmyk::profile()]
}

/// TIFF files of 29 × 17 pixels of several kinds that are to be turned, some with profiles.
fn tiffs(orientation: u16) -> Vec<Vec<u8>> {
    const PIXELS: usize = 29 * 17;
    let mut noise = Noise::new(orientation.into());
    macro_rules! tiff {
        ($color:ident, $samples:expr, $profile:expr) => {{
            let (samples, profile): (Vec<_>, Option<&Vec<u8>>) = ($samples, $profile);
            let mut file = Cursor::new(Vec::new());
            let mut encoder = TiffEncoder::new(&mut file).unwrap();
            let mut image = encoder.new_image::<colortype::$color>(29, 17).unwrap();
            let tags = image.encoder();
            tags.write_tag(Tag::Orientation, orientation).unwrap();
            if let Some(profile) = profile {
                tags.write_tag(Tag::IccProfile, &profile[..]).unwrap();
            }
            image.write_data(&samples).unwrap();
            file.into_inner()
        }};
    }
    let mut words = |count: usize| -> Vec<u16> {
        let bytes = noise.bytes(2 * count);
        let pairs = bytes.chunks(2);
        pairs.map(|b| u16::from_le_bytes([b[0], b[1]])).collect()
    };
    let [wide, table, inks] = &profiles();
    let (cmyk, rgb) = (words(4 * PIXELS), words(3 * PIXELS));
    vec![
        tiff!(CMYK16, cmyk, None),
        tiff!(RGB16, rgb, Some(wide)),
        tiff!(CMYK8, noise.bytes(4 * PIXELS), None),
        tiff!(CMYK8, noise.bytes(4 * PIXELS), Some(inks)),
        tiff!(RGB8, noise.bytes(3 * PIXELS), Some(wide)),
        tiff!(RGBA8, noise.bytes(4 * PIXELS), Some(table)),
        tiff!(Gray32Float, noise.floats(PIXELS), None),
        tiff!(RGB32Float, noise.floats(3 * PIXELS), None),
        tiff!(RGBA32Float, noise.floats(4 * PIXELS), None),
    ]
}

/// Lossy WebP files, which are planes on a GPU, with alpha and without.
fn planes() -> [Vec<u8>; 2] {
    [None, Some([9, 8, 7])].map(|background| {
        let options = SaveOptions::new().quality(70);
        let options = match background {
            Some(background) => options.background(background),
            None => options,
        };
        let picture = picture(&Device::cpu(), 53, 38);
        options.encode_u8(&picture, Format::WebP).unwrap()
    })
}

/// Files of all layouts, each to be turned in all ways, and others.
fn files() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for orientation in 1..=8 {
        for color in PNG_COLORS {
            for (width, height) in [(5, 3), (67, 41)] {
                let file = noise_png(color, width, height);
                files.push(png_with_exif(&file, orientation));
            }
        }
        files.extend(tiffs(orientation.into()));
        files.extend(planes());
    }
    let mut light = Image::new(&Device::cpu(), 31, 9).unwrap();
    light.upload(&Noise::new(3).floats(31 * 9 * 4)).unwrap();
    for format in [Format::Exr, Format::Hdr, Format::Bmp, Format::Qoi] {
        files.push(SaveOptions::new().encode(&light, format).unwrap());
    }
    files
}

fn content(image: &Image) -> ((u32, u32), Vec<u32>) {
    (image.dimensions(), bits(&image.download().unwrap()))
}

/// That a batch's images are those of single loads, in order.
fn check(device: &Device, options: &LoadOptions, files: &[Vec<u8>], threads: usize) {
    let loader = Loader::new(device)
        .threads(threads)
        .options(options.clone());
    let mut count = 0;
    for (i, (file, image)) in loader.load(files.to_vec()).enumerate() {
        let (size, got) = content(&image.unwrap());
        for single in [&Device::cpu(), device] {
            let expected = content(&options.decode(single, &file).unwrap());
            assert_eq!(size, expected.0, "{i} on {single}");
            same(&got, &expected.1, (i, single));
        }
        count += 1;
    }
    assert_eq!(count, files.len());
}

fn every_layout_and_orientation_is_that_of_a_single_load(device: &Device) {
    let files = files();
    // Profiles make a difference.
    let raw = by_host().color_policy(ColorPolicy::Raw);
    let tiffs = tiffs(1);
    for i in [1, 3, 4, 5] {
        let [plain, converted] =
            [&raw, &by_host()].map(|options| content(&options.decode(device, &tiffs[i]).unwrap()));
        assert!(plain != converted, "{i}");
    }
    for threads in [1, 6] {
        check(device, &by_host(), &files, threads);
    }
}

fn smaller_pictures_and_parts_are_those_of_single_loads(device: &Device) {
    let files: Vec<Vec<u8>> = (1..=8)
        .flat_map(|orientation| {
            let pngs = [ColorType::Rgb8, ColorType::La16].map(|color| noise_png(color, 90, 61));
            let turned = pngs.map(|file| png_with_exif(&file, orientation));
            let others = tiffs(orientation.into()).into_iter().chain(planes());
            turned.into_iter().chain(others)
        })
        .collect();
    for options in [
        by_host().fit(20, 19),
        by_host().scale(Scale::Half),
        by_host().region(3, 2, 11, 9),
        by_host().fit(7, 30).apply_orientation(false),
    ] {
        check(device, &options, &files, 4);
    }
}

/// Broken files among whole ones, from memory and from a folder.
fn damaged_files_have_the_errors_of_single_loads_and_their_paths(device: &Device) {
    let mut files = super::loader::files(80, |i| i % 11 == 5);
    for (i, file) in files.iter_mut().enumerate().filter(|(i, _)| i % 5 == 2) {
        file.truncate(file.len() * (i % 3 + 1) / 4);
    }
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = (0..files.len())
        .map(|i| folder.path().join(format!("{i}")))
        .collect();
    for (path, file) in paths.iter().zip(&files) {
        fs::write(path, file).unwrap();
    }
    let mut broken = 0;
    let loader = Loader::new(device).threads(4).options(by_host());
    for (path, image) in loader.load(paths.clone()) {
        match (by_host().load(device, &path), image) {
            (Ok(expected), Ok(image)) => {
                let ((size, got), expected) = (content(&image), content(&expected));
                assert_eq!(size, expected.0, "{path:?}");
                same(&got, &expected.1, &path);
            }
            (Err(expected), Err(error)) => {
                assert_eq!(error.to_string(), expected.to_string());
                assert_eq!(error.path(), Some(&*path));
                broken += 1;
            }
            (expected, got) => panic!("{path:?}: {got:?}, expected {expected:?}"),
        }
    }
    assert!((20..40).contains(&broken), "{broken}");
    for (i, (file, image)) in loader.load(files).enumerate() {
        let expected = by_host().decode(device, &file).map(|image| content(&image));
        let got = image.map(|image| content(&image));
        let text = |error: imagecuda::Error| error.to_string();
        assert!(got.map_err(text) == expected.map_err(text), "{i}");
    }
}

/// In a program of its own, as the driver's calls of all threads are counted. How many pictures a group has
/// depends on the threads. One that is a group for itself needs six calls, and one that goes up alone nine.
fn a_loader_s_pictures_need_few_driver_calls(device: &Device) {
    const FILES: usize = 200;
    let name = "batch::decoded::a_loader_s_pictures_need_few_driver_calls";
    if !device.is_cuda() || !alone(name, device) {
        return;
    }
    let image = picture(&Device::cpu(), 64, 48);
    let options = SaveOptions::new().background([0; 3]);
    let file: Arc<[u8]> = options.encode_u8(&image, Format::Bmp).unwrap().into();
    let loader = Loader::new(device).threads(2).in_flight(4);
    let load = || {
        let before = cuda_delay_load::calls();
        let mut images = loader.load(vec![file.clone(); FILES]);
        assert!(images.all(|(_, image)| image.is_ok()));
        cuda_delay_load::calls() - before
    };
    load();
    let calls = load() as usize;
    assert!((2 * FILES..7 * FILES).contains(&calls), "{calls} calls");
}
