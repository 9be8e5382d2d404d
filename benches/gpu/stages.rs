//! Load and save of the sample picture at 4K, split into stages.

use crate::{median, scene};
use imagecuda::{Device, Format, Image, Layout, LoadOptions, Metadata, Result, SaveOptions};
use std::{path::Path, time::Instant};

const WIDTH: u32 = 3840;
const HEIGHT: u32 = 2160;

pub(crate) fn run(device: &Device) -> Result<()> {
    let rgb = scene::render(WIDTH, HEIGHT);
    let image = Image::from_pixels(device, WIDTH, HEIGHT, Layout::Rgb8, &rgb)?;
    let folder = tempfile::tempdir()?;
    println!(
        "\nthe sample at 4K on {device} ({}), median ms:",
        device.name()
    );
    println!(
        "{:18}{:>10}{:>10} | {:>10}{:>10} | {:>8}",
        "", "decode", "upload", "download", "encode", "MB"
    );
    let plain = SaveOptions::new();
    // What a phone writes: the conversion to sRGB is part of "upload".
    let p3 = moxcms::ColorProfile::new_display_p3().encode();
    let p3 = Metadata::new().with_icc_profile(p3.expect("a profile"));
    let profiled = plain.clone().quality(90).metadata(p3);
    let formats = [
        ("JPEG q90", "jpg", plain.clone().quality(90), 15),
        ("JPEG q90, P3", "jpeg", profiled, 15),
        ("PNG", "png", plain.clone(), 9),
        ("WebP q90", "webp", plain.clone().quality(90), 3),
        ("WebP lossless", "webp", plain.clone(), 1),
        ("TIFF", "tif", plain.clone(), 9),
        ("BMP", "bmp", plain.clone(), 9),
        ("QOI", "qoi", plain.clone(), 9),
    ];
    for (name, extension, options, samples) in formats {
        let path = folder.path().join(format!("{extension}.{extension}"));
        if Format::from_path(&path).is_none_or(|format| !format.can_save()) {
            println!("{name:18} not built in");
            continue;
        }
        measure(name, device, &image, &path, &options, samples)?;
    }
    Ok(())
}

fn measure(
    name: &str,
    device: &Device,
    image: &Image,
    path: &Path,
    save: &SaveOptions,
    samples: usize,
) -> Result<()> {
    let download = time(samples, || save.pack(image, path).map(drop))?;
    let packed = save.pack(image, path)?;
    let encode = time(samples, || packed.save(path))?;
    let load = LoadOptions::new();
    let mut uploads = Vec::new();
    let decode = median(samples, || {
        let start = Instant::now();
        let decoded = load.open(device, path)?;
        let decode = start.elapsed();
        decoded.into_image()?;
        device.synchronize()?;
        uploads.push((start.elapsed() - decode).as_secs_f64() * 1e3);
        Ok(decode.as_secs_f64() * 1e3)
    })?;
    let mut uploads = uploads.into_iter();
    let upload = median(samples, || Ok(uploads.next().unwrap_or_default()))?;
    println!(
        "{name:18}{decode:>10.2}{upload:>10.2} | {download:>10.2}{encode:>10.2} | {:>8.2}",
        path.metadata()?.len() as f64 / 1e6,
    );
    Ok(())
}

/// Milliseconds.
fn time(samples: usize, mut act: impl FnMut() -> Result<()>) -> Result<f64> {
    median(samples, || {
        let start = Instant::now();
        act()?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    })
}
