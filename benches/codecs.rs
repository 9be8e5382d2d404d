//! Decoding and encoding a 4K picture on the host, beside other decoders in Rust and, where
//! Python has it, pyvips (libvips, one thread) doing the same work; and PNG at every level.
//!
//! `cargo bench -p imagecuda --features cuda --bench codecs [-- photo.jpg]`: of the photo instead.
//!
//! All times are of the processor, all cores together.

#[path = "host/processor.rs"]
mod processor;
#[path = "../examples/support/scene.rs"]
mod scene;

use imagecuda::{Compression, Device, Image, Layout, LoadOptions, Result, SaveOptions};
use processor::time;
use std::{
    collections::HashMap,
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    process::Command,
};

const WIDTH: u32 = 3840;
const HEIGHT: u32 = 2160;

fn main() -> Result<()> {
    let device = Device::cpu();
    let image = match std::env::args().skip(1).find(|arg| !arg.starts_with("--")) {
        Some(photo) => LoadOptions::new().load(&device, photo)?,
        None => {
            let rgb = scene::render(WIDTH, HEIGHT);
            Image::from_pixels(&device, WIDTH, HEIGHT, Layout::Rgb8, &rgb)?
        }
    };
    let folder = tempfile::tempdir()?;
    let plain = SaveOptions::new();
    let cases: Vec<(&str, PathBuf, SaveOptions)> = [
        ("JPEG q90", "q90.jpg", plain.clone().quality(90)),
        ("PNG", "a.png", plain.clone()),
        ("WebP q90", "q90.webp", plain.clone().quality(90)),
        ("WebP lossless", "lossless.webp", plain.clone()),
        ("TIFF", "a.tif", plain.clone()),
        ("GIF", "a.gif", plain.clone()),
        ("BMP", "a.bmp", plain.clone()),
    ]
    .map(|(name, file, options)| (name, folder.path().join(file), options))
    .into();
    for (_, path, options) in &cases {
        options.save(&image, path)?;
    }
    let vips = pyvips(cases.iter().map(|(_, path, _)| path.as_path()));
    println!(
        "{}x{} on the host, milliseconds of the processor",
        image.width(),
        image.height()
    );
    println!(
        "{:16}{:>10}{:>22}{:>12}{:>8} |{:>10}{:>12}{:>8}",
        "", "decode", "another in Rust", "pyvips", "ratio", "encode", "pyvips", "ratio"
    );
    for (name, path, options) in &cases {
        let decode = time(|| LoadOptions::new().open(&device, path).map(drop))?;
        let packed = options.pack(&image, path)?;
        let encode = time(|| packed.save(path))?;
        let bytes = fs::read(path)?;
        let other = other(path, &bytes)?.map_or("-".into(), |(name, ms)| format!("{name} {ms:.0}"));
        let theirs = vips.get(path).copied().unwrap_or(UNKNOWN);
        let (vips_decode, vips_encode) = (theirs.decode, theirs.encode);
        println!(
            "{name:16}{decode:>10.1}{other:>22}{vips_decode:>12.1}{:>8.2} |{encode:>10.1}{vips_encode:>12.1}{:>8.2}",
            vips_decode / decode,
            vips_encode / encode,
        );
    }
    let theirs = vips.get(&folder.path().join("a.png")).copied();
    png_levels(&image, folder.path(), theirs.unwrap_or(UNKNOWN))?;
    if vips.is_empty() {
        println!("python3 has no pyvips here: `pip install pyvips pyvips-binary` to compare");
    }
    Ok(())
}

/// Every level of PNG, beside what pyvips does by default with the same pixels.
fn png_levels(image: &Image, folder: &Path, vips: Vips) -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!();
    println!(
        "PNG on {threads} threads; pyvips by default {:.0} ms, {:.2} MB",
        vips.encode,
        vips.bytes / 1e6
    );
    println!(
        "{:16}{:>10}{:>8}{:>10}{:>8}",
        "", "ms", "ratio", "MB", "ratio"
    );
    let path = folder.join("level.png");
    for level in [
        Compression::Uncompressed,
        Compression::Fast,
        Compression::Balanced,
        Compression::Small,
    ] {
        let packed = SaveOptions::new().compression(level).pack(image, &path)?;
        let ms = time(|| packed.save(&path))?;
        let bytes = fs::metadata(&path)?.len() as f64;
        println!(
            "{:16}{ms:>10.1}{:>8.2}{:>10.2}{:>8.3}",
            format!("{level:?}"),
            vips.encode / ms,
            bytes / 1e6,
            bytes / vips.bytes
        );
    }
    Ok(())
}

/// Another decoder of the same bytes, and its milliseconds.
fn other(path: &Path, bytes: &[u8]) -> Result<Option<(&'static str, f64)>> {
    let extension = path.extension().and_then(|e| e.to_str());
    Ok(match extension {
        Some("jpg") => Some((
            "jpeg-decoder",
            time(|| {
                jpeg_decoder::Decoder::new(bytes).decode().expect("a JPEG");
                Ok(())
            })?,
        )),
        Some("png") => Some((
            "zune-png",
            time(|| {
                let source = zune_png::zune_core::bytestream::ZCursor::new(bytes);
                zune_png::PngDecoder::new(source).decode().expect("a PNG");
                Ok(())
            })?,
        )),
        Some("webp") => Some((
            "image-webp",
            time(|| {
                let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).expect("a WebP");
                let mut pixels = vec![0; decoder.output_buffer_size().expect("a size")];
                decoder.read_image(&mut pixels).expect("a WebP");
                Ok(())
            })?,
        )),
        _ => None,
    })
}

/// What pyvips does with a file: milliseconds, and the bytes that it encodes to.
#[derive(Clone, Copy)]
struct Vips {
    decode: f64,
    encode: f64,
    bytes: f64,
}

const UNKNOWN: Vips = Vips {
    decode: f64::NAN,
    encode: f64::NAN,
    bytes: f64::NAN,
};

/// That for each file; nothing where pyvips is missing.
fn pyvips<'a>(files: impl Iterator<Item = &'a Path>) -> HashMap<PathBuf, Vips> {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../benches/codecs/pyvips_times.py"
    );
    let output = Command::new("python3")
        .arg(script)
        .args(files)
        .env("VIPS_CONCURRENCY", "1")
        .output();
    let Ok(output) = output else {
        return HashMap::new();
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let line = |line: &str| {
        let mut fields = line.split('\t');
        let path = PathBuf::from(fields.next()?);
        let mut number = || fields.next()?.parse().ok();
        let vips = Vips {
            decode: number()?,
            encode: number()?,
            bytes: number()?,
        };
        Some((path, vips))
    };
    text.lines().filter_map(line).collect()
}
