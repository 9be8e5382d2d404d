//! Batches: small JPEGs to tensors, beside plain decoding, and large ones made smaller, beside whole ones.

use crate::scene;
use imagecuda::{
    Device, Image, Layout, LoadOptions, Result, SaveOptions, Subsampling, TensorElement,
    TensorOptions, batch::Loader,
};
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

/// What the made files are parts of.
const SCENE: (u32, u32) = (4000, 3000);

/// Pictures of a batch of tensors.
const BATCH: usize = 256;

/// Ways in turn, so that what else the machine does disturbs all of them.
const ROUNDS: usize = 7;

/// Loads of a round.
const SMALL: usize = 32_768;
const LARGE: usize = 1024;

/// `small` and `large` are folders of files; without them files are made.
pub(crate) fn run(gpu: &Device, small: Option<&str>, large: Option<&str>) -> Result<()> {
    let made = tempfile::tempdir()?;
    let files = |folder: Option<&str>, size, count| match folder {
        Some(folder) => Ok(fs::read_dir(folder)?
            .flatten()
            .map(|entry| entry.path())
            .collect()),
        None => make(made.path(), size, count),
    };
    let cores = thread::available_parallelism().map_or(1, |n| n.get());
    let mut threads = vec![cores.div_ceil(4), cores.div_ceil(2), cores];
    threads.dedup();
    let small: Vec<PathBuf> = files(small, (500, 375), 512)?;
    let options = TensorOptions::new()
        .element(TensorElement::F16)
        .size(224, 224)
        .mean([0.485, 0.456, 0.406])
        .std([0.229, 0.224, 0.225]);
    println!(
        "\nsmall files to 224x224 NCHW F16, batches of {BATCH}; images a second, the best of {ROUNDS}:"
    );
    for &threads in &threads {
        let loader = Loader::new(gpu).threads(threads);
        compare(
            gpu,
            threads,
            SMALL,
            [
                ("decoded", &mut || images(&loader, repeated(&small, SMALL))),
                ("tensors", &mut || {
                    let mut count = 0;
                    for batch in loader.tensors(repeated(&small, SMALL), &options, BATCH) {
                        count += batch?.tensor().shape()[0];
                    }
                    Ok(count)
                }),
            ],
        )?;
    }
    let large: Vec<PathBuf> = files(large, (3840, 2160), 16)?;
    println!("\nlarge files, images a second, the best of {ROUNDS}:");
    for &threads in &threads {
        let whole = Loader::new(gpu).threads(threads);
        let fitted = whole.clone().options(LoadOptions::new().fit(512, 512));
        compare(
            gpu,
            threads,
            LARGE,
            [
                ("whole", &mut || images(&whole, repeated(&large, LARGE))),
                ("fit 512x512", &mut || {
                    images(&fitted, repeated(&large, LARGE))
                }),
            ],
        )?;
    }
    Ok(())
}

fn repeated(files: &[PathBuf], count: usize) -> Vec<PathBuf> {
    files.iter().cycle().take(count).cloned().collect()
}

fn images(loader: &Loader, files: Vec<PathBuf>) -> Result<usize> {
    let mut count = 0;
    for (_, image) in loader.load(files) {
        image?;
        count += 1;
    }
    Ok(count)
}

/// A name, and what loads files and returns how many.
type Way<'a> = (&'a str, &'a mut dyn FnMut() -> Result<usize>);

/// Prints how many images a second each way loads.
fn compare(gpu: &Device, threads: usize, expected: usize, mut ways: [Way<'_>; 2]) -> Result<()> {
    let mut best = [f64::INFINITY; 2];
    for round in 0..=ROUNDS {
        for ((_, act), best) in ways.iter_mut().zip(&mut best) {
            let start = Instant::now();
            assert_eq!(act()?, expected);
            gpu.synchronize()?;
            // The first round does not count.
            if round > 0 {
                *best = best.min(start.elapsed().as_secs_f64());
            }
        }
    }
    let [first, second] = best.map(|seconds| expected as f64 / seconds);
    println!(
        "{:10}{} {first:9.0}   {} {second:9.0}   {:.3} times as many",
        format!("{threads} threads"),
        ways[0].0,
        ways[1].0,
        second / first
    );
    Ok(())
}

/// Different parts of the scene.
fn make(folder: &Path, (width, height): (u32, u32), count: u32) -> Result<Vec<PathBuf>> {
    let scene = scene::render(SCENE.0, SCENE.1);
    let options = SaveOptions::new()
        .quality(90)
        .subsampling(Subsampling::Yuv420);
    let write = |i: u32| {
        let x = i.wrapping_mul(7919) % (SCENE.0 - width);
        let y = i.wrapping_mul(104_729) % (SCENE.1 - height);
        let mut rgb = Vec::with_capacity(3 * (width * height) as usize);
        for row in y..y + height {
            let at = 3 * (row * SCENE.0 + x) as usize;
            rgb.extend_from_slice(&scene[at..at + 3 * width as usize]);
        }
        let path = folder.join(format!("{width}_{i:05}.jpg"));
        let image = Image::from_pixels(&Device::cpu(), width, height, Layout::Rgb8, &rgb)?;
        options.save(&image, &path)?;
        Ok(path)
    };
    (0..count).map(write).collect()
}
