//! JPEG files to float images: one at a time, and many, beside other libraries in the same run.
//!
//! `cargo bench -p imagecuda --features cuda --bench jpeg -- [--device D] [--images N]
//! [--threads N] [FILE...]`

use imagecuda::{Device, Image, JpegDecoder, LoadOptions, Result, batch::Loader};
use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Instant,
};

const REPEATS: usize = 60;

fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let (mut device, mut images, mut threads) = (None, 256, None);
    let mut files = Vec::new();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {}
            "--device" => device = args.next(),
            "--images" => images = args.next().and_then(|n| n.parse().ok()).unwrap_or(images),
            "--threads" => threads = args.next().and_then(|n| n.parse().ok()),
            _ => files.push(PathBuf::from(arg)),
        }
    }
    let device: Device = match device {
        Some(name) => name.parse()?,
        None => Device::try_default()?,
    };
    if env::var_os("CHECK").is_some() {
        for file in &files {
            let bytes = fs::read(file)?;
            let options = LoadOptions::new().jpeg_decoder(JpegDecoder::Kernels);
            let cpu = options.decode(&Device::cpu(), &bytes)?.download()?;
            match options.decode(&device, &bytes) {
                Ok(image) => {
                    let gpu = image.download()?;
                    let bad = cpu
                        .iter()
                        .zip(&gpu)
                        .filter(|(a, b)| a.to_bits() != b.to_bits())
                        .count();
                    println!(
                        "{}: {} {bad} of {}",
                        file.display(),
                        if bad == 0 { "same" } else { "DIFFERENT" },
                        cpu.len()
                    );
                }
                Err(error) => println!("{}: {error}", file.display()),
            }
        }
        return Ok(());
    }
    for file in &files {
        single(&device, file)?;
    }
    for file in &files {
        batch(&device, file, images, threads)?;
    }
    Ok(())
}

fn median(mut act: impl FnMut() -> Result<()>) -> Result<f64> {
    for _ in 0..8 {
        act()?;
    }
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let start = Instant::now();
        act()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

fn single(device: &Device, file: &Path) -> Result<()> {
    let bytes = fs::read(file)?;
    let mut image = LoadOptions::new().load(device, file)?;
    let (width, height) = (image.width(), image.height());
    println!(
        "{}: {width}x{height}, {:.2} MB, milliseconds",
        file.display(),
        bytes.len() as f64 / 1e6
    );
    for decoder in [JpegDecoder::Auto, JpegDecoder::Kernels, JpegDecoder::Host] {
        let options = LoadOptions::new().jpeg_decoder(decoder);
        let file_ms = median(|| {
            options.load_into(file, &mut image)?;
            device.synchronize()
        })?;
        let memory_ms = median(|| {
            options.decode_into(&bytes, &mut image)?;
            device.synchronize()
        })?;
        let decode_ms = median(|| options.read_bytes(device, &bytes).map(drop))?;
        println!(
            "  {decoder:?}: file {file_ms:.3}, memory {memory_ms:.3}, entropy decoding {decode_ms:.3}"
        );
    }
    let read_ms = median(|| {
        std::hint::black_box(fs::read(file)?);
        Ok(())
    })?;
    println!("  reading the file {read_ms:.3}");
    Ok(())
}

fn batch(device: &Device, file: &Path, images: usize, threads: Option<usize>) -> Result<()> {
    let loader = match threads {
        Some(threads) => Loader::new(device).threads(threads),
        None => Loader::new(device),
    };
    let mut best = 0f64;
    for _ in 0..3 {
        let start = Instant::now();
        let mut count = 0;
        for (_, image) in loader.load(vec![file.to_owned(); images]) {
            let image = image?;
            let _: &Image = &image;
            count += 1;
        }
        device.synchronize()?;
        best = best.max(count as f64 / start.elapsed().as_secs_f64());
    }
    println!("{}: {best:.0} images/s of {images}", file.display());
    Ok(())
}
