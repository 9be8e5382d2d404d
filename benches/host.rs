//! The host alone: encoding JPEG, conversions of many files, and ICC profiles; beside libjpeg-turbo
//! (in Pillow and OpenCV), libvips (pyvips) and Little CMS in the same run.
//!
//! `cargo bench -p imagecuda --bench host -- [--python PROGRAM] [PHOTO]`
//!
//! All times are of the processor, all cores together, so that other programs disturb them little.
//! Linux tells them in hundredths of a second; an act is repeated until they are a second. Without a
//! photo the bench paints one of 4K.

#[path = "host/processor.rs"]
mod processor;
#[path = "../examples/support/scene.rs"]
mod scene;

use imagecuda::{
    ColorPolicy, Compression, Device, Format, Image, Layout, LoadOptions, Metadata, Result,
    SaveOptions, Subsampling, batch::Pipeline,
};
use lcms2::{CIExyY, CIExyYTRIPLE, Intent, PixelFormat, Profile, ToneCurve, Transform};
use processor::time;
use std::{
    convert::Infallible,
    env,
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

/// Files of a batch.
const FILES: usize = 24;

fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let (mut python, mut photo) = ("python3".to_owned(), None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {}
            "--python" => python = args.next().unwrap_or(python),
            _ => photo = Some(PathBuf::from(arg)),
        }
    }
    let device = Device::cpu();
    let image = match photo {
        Some(photo) => LoadOptions::new().load(&device, photo)?,
        None => {
            let rgb = scene::render(3840, 2160);
            Image::from_pixels(&device, 3840, 2160, Layout::Rgb8, &rgb)?
        }
    };
    println!(
        "{}x{}, milliseconds of the processor",
        image.width(),
        image.height()
    );
    let folder = tempfile::tempdir()?;
    let peers = Peers::new(&python, folder.path());
    jpeg(&image, folder.path(), &peers)?;
    conversions(&image, folder.path(), &peers)?;
    profile(&image)
}

/// Encoding 8-bit pixels to memory.
fn jpeg(image: &Image, folder: &Path, peers: &Peers<'_>) -> Result<()> {
    let picture = folder.join("picture.bmp");
    SaveOptions::new().save(image, &picture)?;
    let plain = SaveOptions::new().quality(90);
    let quarter = plain.clone().subsampling(Subsampling::Yuv420);
    println!(
        "{:32}{:>10}{:>12}{:>8}{:>22}",
        "JPEG, quality 90", "encode", "peer", "ratio", "x baseline"
    );
    let mut baseline = f64::NAN;
    for (name, options, asked) in [
        ("4:4:4", plain.clone(), "444"),
        (
            "4:4:4, own tables",
            plain.clone().optimize_huffman(true),
            "444 optimize",
        ),
        (
            "4:4:4, progressive",
            plain.progressive(true),
            "444 progressive",
        ),
        ("4:2:0", quarter.clone(), "420"),
        (
            "4:2:0, own tables",
            quarter.clone().optimize_huffman(true),
            "420 optimize",
        ),
        (
            "4:2:0, progressive",
            quarter.progressive(true),
            "420 progressive",
        ),
    ] {
        let packed = options.pack(image, folder.join("a.jpg"))?;
        let ms = time(|| packed.encode().map(|bytes| drop(black_box(bytes))))?;
        if !name.contains(',') {
            baseline = ms;
        }
        let peer = peers.time(&["jpeg", &picture.to_string_lossy(), asked]);
        let (ratio, times) = (peer / ms, ms / baseline);
        println!("{name:32}{ms:>10.1}{peer:>12.1}{ratio:>8.2}{times:>22.2}");
    }
    Ok(())
}

/// Files to files of another format.
fn conversions(image: &Image, folder: &Path, peers: &Peers<'_>) -> Result<()> {
    println!(
        "\n{:32}{:>10}{:>12}{:>8}{:>22}",
        format!("{FILES} files, two threads"),
        "an image",
        "pyvips",
        "ratio",
        "images/s (ratio)"
    );
    let jpeg = SaveOptions::new().quality(90);
    let png = SaveOptions::new().compression(Compression::Balanced);
    for (name, (from, made), (to, saved)) in [
        ("PNG to JPEG", ("png", &png), ("jpg", &jpeg)),
        ("JPEG to PNG", ("jpg", &jpeg), ("png", &SaveOptions::new())),
    ] {
        let source = folder.join("source").with_extension(from);
        made.save(image, &source)?;
        let jobs = || (0..FILES).map(|i| (source.clone(), folder.join(format!("{i}.{to}"))));
        let pipeline = Pipeline::new(&Device::cpu())
            .threads(2)
            .save_options(saved.clone());
        let mut fastest = f64::INFINITY;
        let ms = time(|| {
            let start = Instant::now();
            let report = pipeline.run(jobs().collect::<Vec<_>>(), |_, _| Ok::<(), Infallible>(()));
            assert!(report.failures.is_empty(), "{:?}", report.failures);
            fastest = fastest.min(start.elapsed().as_secs_f64());
            Ok(())
        })? / FILES as f64;
        let said = peers.times(&["convert", &source.to_string_lossy(), to]);
        let (theirs, rate) = (said.0, FILES as f64 / fastest);
        println!(
            "{name:32}{ms:>10.1}{theirs:>12.1}{:>8.2}{:>22}",
            theirs / ms,
            format!("{rate:.1} ({:.2})", rate / said.1)
        );
    }
    Ok(())
}

/// A profile of curves and a matrix, whose conversion is a part of loading.
fn profile(image: &Image) -> Result<()> {
    let xy = |x, y| CIExyY { x, y, Y: 1.0 };
    let primaries = CIExyYTRIPLE {
        Red: xy(0.64, 0.33),
        Green: xy(0.21, 0.71),
        Blue: xy(0.15, 0.06),
    };
    let curve = ToneCurve::new(563.0 / 256.0);
    let adobe = Profile::new_rgb(&xy(0.3127, 0.329), &primaries, &[&curve, &curve, &curve])
        .expect("a profile");
    let metadata = Metadata::new().with_icc_profile(adobe.icc().expect("its bytes"));
    let plain = SaveOptions::new().compression(Compression::Uncompressed);
    let file = plain.metadata(metadata).encode(image, Format::Png)?;
    let device = Device::cpu();
    let mut into = Image::new(&device, image.width(), image.height())?;
    let mut load = |policy| {
        let options = LoadOptions::new().color_policy(policy);
        time(|| options.decode_into(&file, &mut into))
    };
    let (raw, converted) = (load(ColorPolicy::Raw)?, load(ColorPolicy::ToSrgb)?);
    let ms = converted - raw;
    println!("\nA profile of curves and a matrix: {ms:.1} more than {raw:.1} without");
    let srgb = Profile::new_srgb();
    let rgb: Vec<[u8; 3]> = image
        .download()?
        .chunks_exact(4)
        .map(|pixel| [0, 1, 2].map(|c| (pixel[c] * 255.0 + 0.5) as u8))
        .collect();
    let intent = Intent::RelativeColorimetric;
    let to_bytes = Transform::new(
        &adobe,
        PixelFormat::RGB_8,
        &srgb,
        PixelFormat::RGB_8,
        intent,
    )
    .expect("a transform");
    let mut bytes = vec![[0u8; 3]; rgb.len()];
    let theirs = time(|| {
        to_bytes.transform_pixels(&rgb, &mut bytes);
        Ok(())
    })?;
    let to_floats = Transform::new(
        &adobe,
        PixelFormat::RGB_8,
        &srgb,
        PixelFormat::RGB_FLT,
        intent,
    )
    .expect("a transform");
    let mut floats = vec![[0f32; 3]; rgb.len()];
    let in_floats = time(|| {
        to_floats.transform_pixels(&rgb, &mut floats);
        Ok(())
    })?;
    println!(
        "Little CMS: bytes to bytes {theirs:.1} ({:.2} times as long), bytes to floats {in_floats:.1} ({:.2})",
        theirs / ms,
        in_floats / ms
    );
    Ok(())
}

/// Other libraries, by a script.
struct Peers<'a> {
    python: &'a str,
    folder: &'a Path,
}

impl<'a> Peers<'a> {
    fn new(python: &'a str, folder: &'a Path) -> Self {
        Self { python, folder }
    }

    /// What the script prints first for these arguments.
    fn time(&self, args: &[&str]) -> f64 {
        self.times(args).0
    }

    fn times(&self, args: &[&str]) -> (f64, f64) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/host/peers.py");
        let output = Command::new(self.python)
            .arg(script)
            .arg(self.folder)
            .args(args)
            .env("VIPS_CONCURRENCY", "1")
            .output();
        let text = output.map(|output| output.stdout).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut numbers = text
            .split_whitespace()
            .map(|v| v.parse().unwrap_or(f64::NAN));
        let mut next = || numbers.next().unwrap_or(f64::NAN);
        (next(), next())
    }
}
