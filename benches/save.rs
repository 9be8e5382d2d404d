//! Float images on the device to JPEG and PNG files: one at a time, kernel by kernel, beside other
//! libraries in the same run; and from JPEG to JPEG, many.
//!
//! `cargo bench -p imagecuda --features cuda --bench save -- [--device D] [--images N]
//! [--threads N] [--python PROGRAM] [FILE...]`
//!
//! The files are what is saved again; without any, the bench paints its own: 1080p, 4K and 24 MP.
//! JPEG is saved at quality 90, 4:2:0.

#[path = "jpeg/phases.rs"]
mod phases;

#[path = "../examples/support/scene.rs"]
mod scene;

#[path = "jpeg/timing.rs"]
mod timing;

use imagecuda::{
    Compression, Device, Format, Image, JpegEncoder, Layout, LoadOptions, PngEncoder, Result,
    SaveOptions, Subsampling,
    batch::{Pipeline, Saver},
};
use std::{
    convert::Infallible,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};
use timing::median;

/// Batches, of which the best one counts.
const BATCHES: usize = 3;

/// The argument of the program whose kernels are measured.
const CHILD: &str = "--save-for-phases";

fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let (mut device, mut images, mut threads) = (None, 256, None);
    let mut python = "python3".to_owned();
    let mut files = Vec::new();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {}
            CHILD => return save_again(&args.next().unwrap_or_default()),
            "--device" => device = args.next(),
            "--images" => images = number(args.next()).unwrap_or(images),
            "--threads" => threads = number(args.next()),
            "--python" => python = args.next().unwrap_or(python),
            _ => files.push(PathBuf::from(arg)),
        }
    }
    let device = match device {
        Some(name) => name.parse()?,
        None => Device::try_default()?,
    };
    let folder = tempfile::tempdir()?;
    if files.is_empty() {
        files = make_files(folder.path())?;
    }
    println!(
        "{device} ({}), files in {}",
        device.name(),
        folder.path().display()
    );
    for file in &files {
        single(&device, file, folder.path())?;
        if device.is_cuda() {
            print_phases(file);
        }
    }
    peers(&python, &files, folder.path());
    for file in &files {
        many(&device, file, folder.path(), images, threads)?;
        many_pngs(&device, file, folder.path(), images, threads)?;
    }
    Ok(())
}

fn number(text: Option<String>) -> Option<usize> {
    text?.parse().ok()
}

fn jpeg() -> SaveOptions {
    SaveOptions::new()
        .quality(90)
        .subsampling(Subsampling::Yuv420)
}

fn make_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for (name, width, height) in [
        ("1080p", 1920, 1080),
        ("4k", 3840, 2160),
        ("24mp", 6000, 4000),
    ] {
        let rgb = scene::render(width, height);
        let image = Image::from_pixels(&Device::cpu(), width, height, Layout::Rgb8, &rgb)?;
        let file = folder.join(name).with_extension("jpg");
        jpeg().save(&image, &file)?;
        files.push(file);
    }
    Ok(files)
}

fn single(device: &Device, file: &Path, folder: &Path) -> Result<()> {
    let image = LoadOptions::new().load(device, file)?;
    println!(
        "\n{}: {}x{}; milliseconds",
        file.display(),
        image.width(),
        image.height()
    );
    let print = |what: String, options: &SaveOptions, extension: &str| -> Result<()> {
        let target = folder.join("saved").with_extension(extension);
        let to_file = median(|| options.save(&image, &target))?;
        let prepare = median(|| options.pack(&image, &target).map(drop))?;
        let size = fs::metadata(&target)?.len() as f64 / 1e6;
        println!(
            "  {what:<24} {to_file:8.3}   before the file is written {prepare:8.3}   {size:7.3} MB"
        );
        Ok(())
    };
    let jpeg = jpeg();
    print("JPEG".into(), &jpeg, "jpg")?;
    print(
        "JPEG, own tables".into(),
        &jpeg.clone().optimize_huffman(true),
        "jpg",
    )?;
    print(
        "JPEG, by the host".into(),
        &jpeg.jpeg_encoder(JpegEncoder::Host),
        "jpg",
    )?;
    for compression in [Compression::Fast, Compression::Balanced] {
        let png = SaveOptions::new().compression(compression);
        print(format!("PNG, {compression:?}"), &png, "png")?;
    }
    let by_host = SaveOptions::new().png_encoder(PngEncoder::Host);
    print("PNG, Fast, by the host".into(), &by_host, "png")?;
    Ok(())
}

fn save_again(file: &str) -> Result<()> {
    let image = LoadOptions::new().load(&Device::try_default()?, file)?;
    for _ in 0..12 {
        jpeg().encode(&image, Format::Jpeg)?;
        SaveOptions::new().encode(&image, Format::Png)?;
    }
    Ok(())
}

/// What the kernels take. Of 4:2:0, a pixel has one coefficient and a half; a PNG's stream is taken to
/// have one byte and a half.
fn print_phases(file: &Path) {
    let bytes = fs::metadata(file).map_or(0, |file| file.len()) as f64;
    let pixels = imagecuda::inspect(file).map_or(0.0, |info| {
        f64::from(info.width()) * f64::from(info.height())
    });
    phases::print(
        &[CHILD, &file.to_string_lossy()],
        &[
            ("jpeg_forward", 16.0 * pixels + 3.0 * pixels),
            ("jpeg_measure", 3.0 * pixels),
            ("jpeg_place", 0.0),
            ("jpeg_code", 3.0 * pixels + bytes),
            ("jpeg_count", bytes),
            ("jpeg_stuff", 2.0 * bytes),
            ("png_choose", 2.0 * pixels),
            ("png_match", 12.0 * pixels),
            ("png_count", 4.0 * pixels),
            ("png_codes", 0.0),
            ("png_place", 0.0),
            ("png_code", 5.5 * pixels),
            ("png_crc", 1.5 * pixels),
        ],
    );
}

/// Other libraries, float pixels on the device to a file, by a script.
fn peers(python: &str, files: &[PathBuf], folder: &Path) {
    // In a bundle the scripts lie beside the program.
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/peers/save.py");
    let script = env::current_exe()
        .map(|program| program.with_file_name("peers").join("save.py"))
        .ok()
        .filter(|script| script.is_file())
        .unwrap_or_else(|| PathBuf::from(repository));
    println!();
    let status = Command::new(python)
        .arg(script)
        .arg(folder)
        .args(files)
        .status();
    if !status.is_ok_and(|status| status.success()) {
        println!("no other libraries were measured");
    }
}

/// JPEG files to JPEG files, by way of the device.
fn many(
    device: &Device,
    file: &Path,
    folder: &Path,
    images: usize,
    threads: Option<usize>,
) -> Result<()> {
    let mut best = 0f64;
    for _ in 0..BATCHES {
        let jobs: Vec<_> = (0..images)
            .map(|i| (file.to_owned(), folder.join(format!("{i}.jpg"))))
            .collect();
        let mut pipeline = Pipeline::new(device).save_options(jpeg());
        if let Some(threads) = threads {
            pipeline = pipeline.threads(threads);
        }
        let start = Instant::now();
        let report = pipeline.run(jobs, |_, _| Ok::<(), Infallible>(()));
        assert!(report.failures.is_empty(), "{:?}", report.failures);
        best = best.max(images as f64 / start.elapsed().as_secs_f64());
    }
    println!(
        "\n{}: {best:.0} images/s from JPEG to JPEG, {images} in a batch",
        file.display()
    );
    Ok(())
}

/// One image on the device to PNG files, in batches.
fn many_pngs(
    device: &Device,
    file: &Path,
    folder: &Path,
    images: usize,
    threads: Option<usize>,
) -> Result<()> {
    let image = LoadOptions::new().load(device, file)?;
    let mut best = 0f64;
    for _ in 0..BATCHES {
        let mut saver = Saver::new(SaveOptions::new());
        if let Some(threads) = threads {
            saver = saver.threads(threads);
        }
        let start = Instant::now();
        for i in 0..images {
            saver.save(&image, folder.join(format!("{}.png", i % 64)));
        }
        for saved in saver.finish() {
            saved.result?;
        }
        best = best.max(images as f64 / start.elapsed().as_secs_f64());
    }
    println!(
        "{}: {best:.0} images/s to PNG, {images} in a batch",
        file.display()
    );
    Ok(())
}
