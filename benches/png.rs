//! PNG files to float images: one at a time and many, by the kernels and by the host, in the same
//! run. Every picture that is measured is compared first.
//!
//! `cargo bench -p imagecuda --features cuda --bench png -- [--device D] [--images N]
//! [--threads N] [--no-phases] [--sizes] [FILE...]`
//!
//! Without files, the bench makes its own: 1080p and 4K. What each kernel takes is measured by Nsight
//! Compute, if `ncu` is there. `--sizes` measures pictures of many sizes instead, to be loaded and
//! saved by both: from where on the kernels gain.

#[path = "jpeg/phases.rs"]
mod phases;

#[path = "../examples/support/scene.rs"]
mod scene;

#[path = "jpeg/timing.rs"]
mod timing;

use imagecuda::{
    Compression, Device, Format, Image, Layout, LoadOptions, PngDecoder, PngEncoder, Result,
    SaveOptions,
    batch::{Loader, Pipeline},
};
use std::{
    convert::Infallible,
    env, fs,
    path::{Path, PathBuf},
    time::Instant,
};
use timing::median;

/// Batches, of which the best one counts.
const BATCHES: usize = 3;

/// The argument of the program whose kernels are measured.
const CHILD: &str = "--load-for-phases";

fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let (mut device, mut images, mut threads) = (None, 256, None);
    let (mut has_phases, mut sizes) = (true, false);
    let mut files = Vec::new();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {}
            CHILD => return load_again(args.next()),
            "--device" => device = args.next(),
            "--images" => images = number(args.next()).unwrap_or(images),
            "--threads" => threads = number(args.next()),
            "--no-phases" => has_phases = false,
            "--sizes" => sizes = true,
            _ => files.push(PathBuf::from(arg)),
        }
    }
    let folder = tempfile::tempdir()?;
    let device = match device {
        Some(name) => name.parse()?,
        None => Device::try_default()?,
    };
    println!("{device} ({})", device.name());
    if sizes {
        return of_sizes(&device, &files);
    }
    if files.is_empty() {
        files = make_files(folder.path())?;
    }
    for file in &files {
        single(&device, file)?;
        if device.is_cuda() && has_phases {
            print_phases(file);
        }
        if images > 0 {
            batch(&device, file, images, threads)?;
            frames(&device, file, folder.path(), (images, threads))?;
        }
    }
    Ok(())
}

fn number(text: Option<String>) -> Option<usize> {
    text?.parse().ok()
}

fn make_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for (name, width, height) in [("1080p", 1920, 1080), ("4k", 3840, 2160)] {
        let rgb = scene::render(width, height);
        let image = Image::from_pixels(&Device::cpu(), width, height, Layout::Rgb8, &rgb)?;
        let file = folder.join(name).with_extension("png");
        imagecuda::save(&image, &file)?;
        files.push(file);
    }
    Ok(files)
}

fn single(device: &Device, file: &Path) -> Result<()> {
    let bytes = fs::read(file)?;
    let options = |decoder| LoadOptions::new().png_decoder(decoder);
    let load = |decoder| options(decoder).load(device, file)?.download();
    let same = load(PngDecoder::Host)? == load(PngDecoder::Kernels)?;
    assert!(same, "{}: other pixels", file.display());
    let mut image = LoadOptions::new().load(device, file)?;
    println!(
        "\n{}: {}x{}, {:.2} MB, the same pixels; milliseconds",
        file.display(),
        image.width(),
        image.height(),
        bytes.len() as f64 / 1e6
    );
    for decoder in [PngDecoder::Kernels, PngDecoder::Host] {
        // On a CPU the kernels' emulation is for tests.
        if decoder == PngDecoder::Kernels && !device.is_cuda() {
            continue;
        }
        let options = options(decoder);
        let from_file = median(|| {
            options.load_into(file, &mut image)?;
            device.synchronize()
        })?;
        let from_memory = median(|| {
            options.decode_into(&bytes, &mut image)?;
            device.synchronize()
        })?;
        println!(
            "  {:<28} {from_file:8.3}   from memory {from_memory:8.3}",
            format!("file to float, {decoder:?}")
        );
    }
    Ok(())
}

fn load_again(file: Option<String>) -> Result<()> {
    let file = file.unwrap_or_default();
    let device = Device::try_default()?;
    let options = LoadOptions::new().png_decoder(PngDecoder::Kernels);
    for _ in 0..6 {
        options.load(&device, &file)?;
    }
    device.synchronize()
}

/// What the kernels take: of those that run several times, the median.
fn print_phases(file: &Path) {
    let bytes = fs::metadata(file).map_or(0, |file| file.len()) as f64;
    let pixels = imagecuda::inspect(file).map_or(0.0, |info| {
        f64::from(info.width()) * f64::from(info.height())
    });
    // Pictures are taken for 8-bit RGB.
    let rows = 3.0 * pixels;
    phases::print(
        &[CHILD, &file.to_string_lossy()],
        &[
            ("png_gather", 2.0 * bytes),
            ("png_find", bytes),
            ("png_check", 0.0),
            ("png_tables", 0.0),
            ("png_synchronize", bytes),
            ("png_resynchronize", 0.0),
            ("png_chain", 0.0),
            ("png_write", bytes + 4.0 * rows),
            ("png_expand", 8.0 * rows),
            ("png_jump", 4.0 * rows),
            ("png_pack", 5.0 * rows),
            ("png_strips", 0.0),
            ("png_unfilter", 2.0 * rows),
            ("png_pixels", 2.0 * rows),
            ("expand_rgb8_to_f32", rows + 16.0 * pixels),
        ],
    );
}

fn batch(device: &Device, file: &Path, images: usize, threads: Option<usize>) -> Result<()> {
    for decoder in [PngDecoder::Kernels, PngDecoder::Host] {
        let mut loader = Loader::new(device).options(LoadOptions::new().png_decoder(decoder));
        if let Some(threads) = threads {
            loader = loader.threads(threads);
        }
        let images = if decoder == PngDecoder::Host {
            images / 4 + 1
        } else {
            images
        };
        let mut best = 0f64;
        for _ in 0..BATCHES {
            let start = Instant::now();
            for (_, image) in loader.load(vec![file.to_owned(); images]) {
                image?;
            }
            device.synchronize()?;
            best = best.max(images as f64 / start.elapsed().as_secs_f64());
        }
        println!("  batch of {images:<4} {decoder:?}: {best:8.1} images/s");
    }
    Ok(())
}

/// PNG files to PNG files, by way of the device.
fn frames(
    device: &Device,
    file: &Path,
    folder: &Path,
    (images, threads): (usize, Option<usize>),
) -> Result<()> {
    let mut best = 0f64;
    for _ in 0..BATCHES {
        let jobs: Vec<_> = (0..images)
            .map(|i| (file.to_owned(), folder.join(format!("{}.png", i % 64))))
            .collect();
        let mut pipeline = Pipeline::new(device);
        if let Some(threads) = threads {
            pipeline = pipeline.threads(threads);
        }
        let start = Instant::now();
        let report = pipeline.run(jobs, |_, _| Ok::<(), Infallible>(()));
        assert!(report.failures.is_empty(), "{:?}", report.failures);
        best = best.max(images as f64 / start.elapsed().as_secs_f64());
    }
    println!("  {images} from PNG to PNG: {best:8.1} images/s");
    Ok(())
}

/// Squares of pictures, or of one of the bench's own, by host and kernels.
fn of_sizes(device: &Device, files: &[PathBuf]) -> Result<()> {
    const SIDES: [u32; 9] = [64, 96, 128, 192, 256, 384, 512, 768, 1024];
    let whole = match files.first() {
        Some(file) => LoadOptions::new().load(&Device::cpu(), file)?,
        None => {
            let rgb = scene::render(1024, 1024);
            Image::from_pixels(&Device::cpu(), 1024, 1024, Layout::Rgb8, &rgb)?
        }
    };
    let (width, pixels) = (whole.width() as usize, whole.download()?);
    println!("microseconds by host and kernels: loaded as zlib 6 and Fast have written it; saved");
    for side in SIDES {
        let rows = pixels.chunks_exact(4 * width).take(side as usize);
        let square: Vec<f32> = rows
            .flat_map(|row| &row[..4 * side as usize])
            .copied()
            .collect();
        let square: &[u8] = bytemuck::cast_slice(&square);
        let image = Image::from_pixels(device, side, side, Layout::Rgba32F, square)?;
        let mut loaded = Image::new(device, side, side)?;
        print!("  {side:4}");
        for compression in [Compression::Balanced, Compression::Fast] {
            let bytes = SaveOptions::new()
                .compression(compression)
                .encode(&image, Format::Png)?;
            for decoder in [PngDecoder::Host, PngDecoder::Kernels] {
                let options = LoadOptions::new().png_decoder(decoder);
                let time = median(|| {
                    options.decode_into(&bytes, &mut loaded)?;
                    device.synchronize()
                })?;
                print!(" {:8.0}", 1e3 * time);
            }
        }
        for encoder in [PngEncoder::Host, PngEncoder::Kernels] {
            let options = SaveOptions::new().png_encoder(encoder);
            let time = median(|| options.encode(&image, Format::Png).map(drop))?;
            print!(" {:8.0}", 1e3 * time);
        }
        println!();
    }
    Ok(())
}
