//! Memory that runs out: a device's, and the host's.

#[cfg(target_os = "linux")]
use crate::support::alone;
#[cfg(unix)]
use crate::support::alone_through;
use crate::support::pictures::{folder, opaque, picture};
use imagecuda::{
    Device, Error, ErrorKind, Format, Image, JpegDecoder, JpegEncoder, LoadOptions, PngDecoder,
    PngEncoder, SaveOptions, Subsampling,
    batch::{Loader, Saver},
};
use libtest_mimic::Trial;
#[cfg(unix)]
use std::{convert::Infallible, path::PathBuf};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        what_does_not_fit_is_an_error_and_what_comes_next_works,
        a_png_whose_kernels_lack_memory_is_decoded_by_the_host,
        what_kernels_lack_memory_for_is_done_by_the_host,
        what_kernels_of_a_batch_lack_memory_for_is_an_error_with_a_path,
        files_for_which_there_is_no_thread_are_errors,
    ])
}

/// In a program whose threads ask for more memory than any system has.
#[cfg(unix)]
fn files_for_which_there_is_no_thread_are_errors(device: &Device) {
    if !alone_through(
        &["env", "RUST_MIN_STACK=70368744177664"],
        "hostile::faults::memory::files_for_which_there_is_no_thread_are_errors",
        device,
    ) {
        return;
    }
    let paths = ["a.png", "b.png", "c.png"].map(PathBuf::from);
    let loaded: Vec<_> = Loader::new(device).load(paths.clone()).collect();
    assert_eq!(loaded.len(), 3);
    for ((path, image), expected) in loaded.into_iter().zip(&paths) {
        let error = image.err().unwrap();
        assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
        assert_eq!((&path, error.path()), (expected, Some(&**expected)));
    }
    let jobs = paths.map(|path| (path.clone(), path.with_extension("jpg")));
    let report = imagecuda::batch::Pipeline::new(device).run(jobs, |_, _| Ok::<(), Infallible>(()));
    assert_eq!((report.saved, report.failures.len()), (0, 3));
}

#[cfg(not(unix))]
fn files_for_which_there_is_no_thread_are_errors(_: &Device) {}

/// In a program of its own, in which memory is to be had until 3 GB are in use, or all of a GPU's.
#[cfg(target_os = "linux")]
fn is_limited(name: &str, device: &Device) -> bool {
    match device.is_cuda() {
        true => alone(name, device),
        false => crate::support::alone_after("ulimit -v 3000000", name, device),
    }
}

/// The side of a picture that is large beside what fills the memory of a GPU: a driver gives memory in large pieces.
fn large_side() -> u32 {
    match crate::support::gpu_is_emulated() {
        true => 512,
        false => 4096,
    }
}

/// Takes memory, in images of halves of halves of a size, until there is none for any of them.
fn fill(device: &Device) -> Vec<Image> {
    // What is left is less than 32 MB, and more than nothing on the host, which needs some.
    let mut held = fill_to(device, 1000);
    let smallest = held.pop();
    assert!(held.len() > 3 && smallest.is_some(), "{}", held.len());
    held
}

/// Takes memory until there is none for an image of `least` by `least` pixels.
fn fill_to(device: &Device, least: u32) -> Vec<Image> {
    // 8 GB, so that a large GPU is full at once, and 256 MB.
    let mut side = if device.is_cuda() { 22_528 } else { 4096 };
    let mut held = Vec::new();
    while side > least {
        match Image::new(device, side, side) {
            Ok(image) => held.push(image),
            Err(error) => {
                let bytes = side as usize * side as usize * 16;
                assert!(is_out_of_memory(&error, bytes), "{error}");
                side /= 2;
            }
        }
    }
    held
}

fn is_out_of_memory(error: &Error, least: usize) -> bool {
    matches!(*error.kind(), ErrorKind::OutOfMemory { requested, .. } if requested >= least)
}

fn what_does_not_fit_is_an_error_and_what_comes_next_works(device: &Device) {
    #[cfg(target_os = "linux")]
    if !is_limited(
        "hostile::faults::memory::what_does_not_fit_is_an_error_and_what_comes_next_works",
        device,
    ) {
        return;
    }
    if !device.is_cuda() && !cfg!(target_os = "linux") {
        // Nothing limits it there.
        return;
    }
    let folder = folder();
    // 128 MB of floats, and of the formats that have decoders of their own on a GPU as well.
    let picture = opaque(&picture(device, 4096, 2048));
    let formats = [Format::Jpeg, Format::Bmp];
    let options = SaveOptions::new().background([0; 3]);
    let files = formats.map(|format| options.encode_u8(&picture, format).unwrap());
    drop(picture);
    let paths = ["a.jpg", "a.bmp"].map(|name| folder.path().join(name));
    for (path, file) in paths.iter().zip(&files) {
        std::fs::write(path, file).unwrap();
    }
    let load = |i: usize| LoadOptions::new().load(device, &paths[i]);
    // Threads and pools are there before memory is not.
    let expected = [0, 1].map(|i| load(i).unwrap().download().unwrap());
    let before = device.transfer_buffers();

    for round in 0..2 {
        let held = fill(device);
        for (path, i) in paths.iter().zip(0..) {
            let error = load(i).unwrap_err();
            assert!(is_out_of_memory(&error, 1), "{round}: {error}");
            assert_eq!(error.path(), Some(&**path));
            // Nothing of what was there is touched.
            let mut kept = Image::new(device, 2, 2).unwrap();
            kept.upload(&[0.25; 16]).unwrap();
            let error = imagecuda::load_into(path, &mut kept).unwrap_err();
            // For the file itself there may be no room.
            let is_too_large = matches!(error.kind(), ErrorKind::OverCapacity { .. });
            assert!(is_too_large || is_out_of_memory(&error, 1), "{error}");
            assert_eq!(kept.download().unwrap(), [0.25; 16]);
        }
        // A batch tells it of each file, and ends.
        let loader = Loader::new(device).threads(2).in_flight(2);
        let loaded: Vec<_> = loader
            .load([paths.clone(), paths.clone()].concat())
            .collect();
        assert_eq!(loaded.len(), 4);
        for (path, image) in loaded {
            let error = image.err().unwrap();
            // Or there is no room for a thread.
            let is_io = matches!(error.kind(), ErrorKind::Io(_));
            assert!(is_io || is_out_of_memory(&error, 1), "{error}");
            assert_eq!(error.path(), Some(&*path));
        }
        drop(held);

        for (i, expected) in expected.iter().enumerate() {
            let image = load(i).unwrap();
            assert!(image.download().unwrap() == *expected, "{round}");
            let saver = Saver::new(SaveOptions::new()).threads(1);
            saver.save(&image, folder.path().join("b.bmp"));
            assert!(saver.finish().iter().all(|saved| saved.result.is_ok()));
        }
        for (path, image) in Loader::new(device)
            .threads(1)
            .in_flight(1)
            .load(paths.clone())
        {
            let i = paths.iter().position(|p| *p == path).unwrap();
            assert!(image.unwrap().download().unwrap() == expected[i]);
        }
    }
    // Those that could not be used went back, and serve others; some of each round were given up.
    let made = device.transfer_buffers() - before;
    assert!(made <= 24, "{made} buffers");
}

fn a_png_whose_kernels_lack_memory_is_decoded_by_the_host(device: &Device) {
    #[cfg(target_os = "linux")]
    if !is_limited(
        "hostile::faults::memory::a_png_whose_kernels_lack_memory_is_decoded_by_the_host",
        device,
    ) {
        return;
    }
    if !device.is_cuda() {
        // The emulation needs no memory of a GPU.
        return;
    }
    // 256 MB of floats and 64 MB of bytes, for which the kernels need another 600 MB.
    let options = SaveOptions::new().png_encoder(PngEncoder::Host);
    let file = options
        .encode_u8(&picture(device, 4096, 4096), Format::Png)
        .unwrap();
    let load = |decoder| {
        LoadOptions::new()
            .png_decoder(decoder)
            .decode(device, &file)
    };
    let expected = load(PngDecoder::Host).unwrap().download().unwrap();
    // 484 MB.
    let spare = Image::new(device, 5632, 5632).unwrap();
    let held = fill(device);
    drop(spare);
    let error = load(PngDecoder::Kernels).unwrap_err();
    assert!(is_out_of_memory(&error, 1), "{error}");
    let image = load(PngDecoder::Auto).unwrap();
    assert!(image.download().unwrap() == expected);
    drop(held);
    let image = load(PngDecoder::Kernels).unwrap();
    assert!(image.download().unwrap() == expected);
}

fn what_kernels_lack_memory_for_is_done_by_the_host(device: &Device) {
    #[cfg(target_os = "linux")]
    if !is_limited(
        "hostile::faults::memory::what_kernels_lack_memory_for_is_done_by_the_host",
        device,
    ) {
        return;
    }
    if !device.is_cuda() {
        // The emulation needs no memory of a GPU.
        return;
    }
    let side = large_side();
    let pixels = opaque(&picture(device, side, side));
    let options = |jpeg, png| {
        let of_jpeg = SaveOptions::new().subsampling(Subsampling::Yuv444);
        let of_png = SaveOptions::new().png_encoder(png);
        [
            (Format::Jpeg, of_jpeg.jpeg_encoder(jpeg)),
            (Format::Png, of_png),
        ]
    };
    let by_host = options(JpegEncoder::Host, PngEncoder::Host);
    let files = by_host.map(|(format, options)| options.encode_u8(&pixels, format).unwrap());
    let load = |decoder| {
        let options = LoadOptions::new().jpeg_decoder(decoder);
        options.decode(device, &files[0])
    };
    let expected = load(JpegDecoder::Host).unwrap().download().unwrap();

    // The floats, and a quarter of them: the kernels need another half of them.
    let spare = Image::new(device, side, side + side / 4).unwrap();
    let held = fill_to(device, 64);
    drop(spare);
    let error = load(JpegDecoder::Kernels).unwrap_err();
    assert!(is_out_of_memory(&error, 1), "{error}");
    let image = load(JpegDecoder::Auto).unwrap();
    assert!(image.download().unwrap() == expected);
    drop((held, image));

    let image = pixels.to_f32().unwrap();
    // A third of the floats: the kernels need at least a half of them.
    let spare = Image::new(device, side, side / 3).unwrap();
    let held = fill_to(device, 64);
    drop(spare);
    let by_kernels = options(JpegEncoder::Kernels, PngEncoder::Kernels);
    let by_whom_can = options(JpegEncoder::Auto, PngEncoder::Auto);
    for (i, file) in files.iter().enumerate() {
        let (format, options) = &by_kernels[i];
        let error = options.encode(&image, *format).unwrap_err();
        assert!(is_out_of_memory(&error, 1), "{error}");
        let options = &by_whom_can[i].1;
        assert!(
            options.encode(&image, *format).unwrap() == *file,
            "{format}"
        );
        // For the kernels they become floats, for which there is no room.
        let of_bytes = options.encode_u8(&pixels, *format).unwrap();
        assert!(of_bytes == *file, "{format}, bytes");
    }
    drop(held);
}

/// Where there is memory for a batch's images alone, the files of groups are loaded for themselves, and
/// fail.
fn what_kernels_of_a_batch_lack_memory_for_is_an_error_with_a_path(device: &Device) {
    #[cfg(target_os = "linux")]
    if !is_limited(
        "hostile::faults::memory::what_kernels_of_a_batch_lack_memory_for_is_an_error_with_a_path",
        device,
    ) {
        return;
    }
    if !device.is_cuda() {
        // Files become images there without more memory of the device.
        return;
    }
    let side = large_side();
    let pixels = opaque(&picture(device, side, side));
    let folder = folder();
    let options = SaveOptions::new().background([0; 3]);
    let paths = ["a.jpg", "a.bmp", "b.jpg", "b.bmp"].map(|name| folder.path().join(name));
    for path in &paths {
        options.save_u8(&pixels, path).unwrap();
    }
    let load = || {
        let loader = Loader::new(device).threads(1).in_flight(1);
        loader.load(paths.clone())
    };
    let expected: Vec<_> = load()
        .map(|(_, image)| image.unwrap().download().unwrap())
        .collect();
    let spare = Image::new(device, side, side).unwrap();
    let held = fill_to(device, 64);
    drop(spare);
    let mut count = 0;
    for (path, image) in load() {
        let error = image.err().unwrap();
        assert!(is_out_of_memory(&error, 1), "{error}");
        assert_eq!(error.path(), Some(&*path));
        count += 1;
    }
    assert_eq!(count, paths.len());
    drop(held);
    for ((_, image), expected) in load().zip(expected) {
        assert!(image.unwrap().download().unwrap() == expected);
    }
}
