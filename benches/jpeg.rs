//! JPEG files to float images: one at a time and many, phase by phase, and beside other libraries
//! in the same run.
//!
//! `cargo bench -p imagecuda --features cuda --bench jpeg -- [--device D] [--images N]
//! [--threads N] [--python PROGRAM] [FILE...]`
//!
//! Without files, the bench makes its own: 1080p, 4K and 12 MP, and 4K once more as a progressive
//! file, 4:2:0 and quality 90. The phases of the device are measured by Nsight Compute, if `ncu` is
//! there. Progressive files are decoded on one core of the host too, beside libjpeg-turbo.
//!
//! With the feature `tracing`, `--timeline` prints when the stages of loading a file begin and end, and
//! nothing else.

#[path = "jpeg/phases.rs"]
mod phases;

#[path = "jpeg/progressive.rs"]
mod progressive;

#[path = "../examples/support/scene.rs"]
mod scene;

#[cfg(feature = "tracing")]
#[path = "jpeg/timeline.rs"]
mod timeline;

#[path = "jpeg/timing.rs"]
mod timing;

use imagecuda::{
    Device, Image, JpegDecoder, Layout, LoadOptions, Result, SaveOptions, Subsampling,
    batch::Loader,
};
use std::{
    env, fs,
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};
use timing::median;

/// Batches, of which the best one counts.
const BATCHES: usize = 3;

struct Options {
    device: Device,
    images: usize,
    threads: Option<usize>,
    python: String,
    files: Vec<PathBuf>,
}

fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let (mut device, mut images, mut threads) = (None, 256, None);
    let mut python = "python3".to_owned();
    let mut files = Vec::new();
    let mut wants_timeline = false;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {}
            // What the phases are measured of.
            CHILD => return load_again(args.next()),
            "--timeline" => wants_timeline = true,
            "--device" => device = args.next(),
            "--images" => images = number(args.next()).unwrap_or(images),
            "--threads" => threads = number(args.next()),
            "--python" => python = args.next().unwrap_or(python),
            _ => files.push(PathBuf::from(arg)),
        }
    }
    let folder = tempfile::tempdir()?;
    if files.is_empty() {
        files = make_files(folder.path())?;
    }
    let options = Options {
        device: match device {
            Some(name) => name.parse()?,
            None => Device::try_default()?,
        },
        images,
        threads,
        python,
        files,
    };
    println!("{} ({})", options.device, options.device.name());
    if wants_timeline {
        return timelines(&options);
    }
    for file in &options.files {
        single(&options.device, file)?;
        if options.device.is_cuda() {
            print_phases(file);
        }
    }
    for file in &options.files {
        progressive::print(file)?;
    }
    peers(&options);
    for file in &options.files {
        batch(&options, file)?;
    }
    Ok(())
}

#[cfg(feature = "tracing")]
fn timelines(options: &Options) -> Result<()> {
    let mut files = options.files.iter();
    files.try_for_each(|file| timeline::print(&options.device, file))
}

#[cfg(not(feature = "tracing"))]
fn timelines(_: &Options) -> Result<()> {
    println!("no timeline without the feature tracing");
    Ok(())
}

fn number(text: Option<String>) -> Option<usize> {
    text?.parse().ok()
}

fn make_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let camera = SaveOptions::new()
        .quality(90)
        .subsampling(Subsampling::Yuv420);
    let mut files = Vec::new();
    for (name, width, height, progressive) in [
        ("1080p", 1920, 1080, false),
        ("4k", 3840, 2160, false),
        ("12mp", 4032, 3024, false),
        ("4k-progressive", 3840, 2160, true),
    ] {
        let rgb = scene::render(width, height);
        let image = Image::from_pixels(&Device::cpu(), width, height, Layout::Rgb8, &rgb)?;
        let file = folder.join(name).with_extension("jpg");
        camera
            .clone()
            .progressive(progressive)
            .save(&image, &file)?;
        files.push(file);
    }
    Ok(files)
}

fn single(device: &Device, file: &Path) -> Result<()> {
    let bytes = fs::read(file)?;
    let mut image = LoadOptions::new().load(device, file)?;
    let (width, height) = (image.width(), image.height());
    let size = bytes.len() as f64 / 1e6;
    println!(
        "\n{}: {width}x{height}, {size:.2} MB; milliseconds",
        file.display()
    );
    for decoder in [JpegDecoder::Auto, JpegDecoder::Kernels, JpegDecoder::Host] {
        // On a CPU the kernels' emulation is for tests.
        if decoder == JpegDecoder::Kernels && !device.is_cuda() {
            continue;
        }
        let options = LoadOptions::new().jpeg_decoder(decoder);
        let from_file = median(|| {
            options.load_into(file, &mut image)?;
            device.synchronize()
        })?;
        let from_memory = median(|| {
            options.decode_into(&bytes, &mut image)?;
            device.synchronize()
        })?;
        let entropy = median(|| options.open_bytes(device, &bytes).map(drop))?;
        println!(
            "  {:<28} {from_file:8.3}   from memory {from_memory:8.3}, of which Huffman codes {entropy:8.3}",
            format!("file to float, {decoder:?}")
        );
    }
    let read = median(|| {
        black_box(fs::read(file)?);
        Ok(())
    })?;
    println!("  {:<28} {read:8.3}", "reading the file");
    Ok(())
}

/// The argument of the program whose kernels are measured.
const CHILD: &str = "--load-for-phases";

fn load_again(file: Option<String>) -> Result<()> {
    let file = file.unwrap_or_default();
    let device = Device::try_default()?;
    let options = LoadOptions::new().jpeg_decoder(JpegDecoder::Kernels);
    for _ in 0..12 {
        options.load(&device, &file)?;
    }
    device.synchronize()
}

/// What the kernels take. Pictures are taken for 4:2:0, of which a pixel has one sample and a half.
fn print_phases(file: &Path) {
    let bytes = fs::metadata(file).map_or(0, |file| file.len()) as f64;
    let pixels = imagecuda::inspect(file).map_or(0.0, |info| {
        f64::from(info.width()) * f64::from(info.height())
    });
    let pixels_moved = 1.5 * pixels + 16.0 * pixels;
    phases::print(
        &[CHILD, &file.to_string_lossy()],
        &[
            ("jpeg_unstuff", 2.0 * bytes),
            ("jpeg_synchronize", bytes),
            ("jpeg_join", 0.0),
            ("jpeg_write", bytes + 3.0 * pixels),
            ("jpeg_inverse", 3.0 * pixels + 1.5 * pixels),
            ("jpeg_to_f32", pixels_moved),
            ("jpeg_to_shaped", pixels_moved),
        ],
    );
}

/// Other libraries, file to pixels on the device, by a script.
fn peers(options: &Options) {
    if !options.device.is_cuda() {
        return;
    }
    // In a bundle the scripts lie beside the program.
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/peers/jpeg.py");
    let script = env::current_exe()
        .map(|program| program.with_file_name("peers").join("jpeg.py"))
        .ok()
        .filter(|script| script.is_file())
        .unwrap_or_else(|| PathBuf::from(repository));
    println!();
    let status = Command::new(&options.python)
        .arg(script)
        .args(&options.files)
        .status();
    if !status.is_ok_and(|status| status.success()) {
        println!("no other libraries were measured");
    }
}

fn batch(options: &Options, file: &Path) -> Result<()> {
    let mut loader = Loader::new(&options.device);
    if let Some(threads) = options.threads {
        loader = loader.threads(threads);
    }
    let mut best = 0f64;
    for _ in 0..BATCHES {
        let start = Instant::now();
        for (_, image) in loader.load(vec![file.to_owned(); options.images]) {
            image?;
        }
        options.device.synchronize()?;
        best = best.max(options.images as f64 / start.elapsed().as_secs_f64());
    }
    let images = options.images;
    println!(
        "\n{}: {best:.0} images/s, {images} in a batch",
        file.display()
    );
    Ok(())
}
