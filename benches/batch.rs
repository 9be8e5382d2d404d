//! Many 4K files to images and back: the loader beside a bare loop that only decodes, the saver
//! beside one that only encodes, and other libraries on the same files, in one run.
//!
//! `cargo bench -p imagecuda --features cuda --bench batch -- [--threads N] [--images N]
//! [--device D] [--python PROGRAM] [--only jpeg|png|webp]`

#[path = "../examples/support/scene.rs"]
mod scene;

#[path = "batch/peers.rs"]
mod peers;

use imagecuda::{
    Device, Image, Layout, LoadOptions, PackedImage, Result, SaveOptions, Subsampling,
    batch::{Loader, Pipeline, Saver},
};
use std::{
    convert::Infallible,
    env, fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

const WIDTH: u32 = 3840;
const HEIGHT: u32 = 2160;
const REPEATS: usize = 3;

struct Options {
    device: Device,
    threads: usize,
    images: usize,
    python: String,
    only: Option<String>,
}

fn options() -> Result<Options> {
    let args: Vec<String> = env::args().collect();
    let value = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1).cloned()
    };
    let number = |name: &str| value(name).and_then(|text| text.parse::<usize>().ok());
    let cores = thread::available_parallelism().map_or(1, |n| n.get());
    let threads = number("--threads").unwrap_or(cores);
    Ok(Options {
        device: match value("--device") {
            Some(name) => name.parse()?,
            None => Device::try_default()?,
        },
        threads,
        images: number("--images").unwrap_or((8 * threads).clamp(16, 256)),
        python: value("--python").unwrap_or_else(|| "python3".into()),
        only: value("--only"),
    })
}

fn main() -> Result<()> {
    let options = options()?;
    let Options {
        device, threads, ..
    } = &options;
    println!(
        "4K files, {threads} threads, {} images, {device} ({}); images/s, the best of {REPEATS}",
        options.images,
        device.name()
    );
    let folder = tempfile::tempdir()?;
    let rgb = scene::render(WIDTH, HEIGHT);
    let picture = Image::from_pixels(&Device::cpu(), WIDTH, HEIGHT, Layout::Rgb8, &rgb)?;
    let plain = SaveOptions::new;
    let q90 = plain().quality(90);
    // JPEGs are read as cameras and the web have them, and written as everyone writes quality 90.
    let camera = q90.clone().subsampling(Subsampling::Yuv420);
    let cases = [
        ("jpg", camera, q90),
        ("png", plain(), plain()),
        ("webp", plain().quality(85), plain().quality(85)),
    ];
    for (extension, input, save) in cases {
        if options
            .only
            .as_deref()
            .is_some_and(|only| !only.starts_with(&extension[..2]))
        {
            continue;
        }
        let inputs = folder.path().join(extension);
        let paths = write(&inputs, extension, &input, &picture, options.images)?;
        measure(&options, extension, &inputs, &paths, &save, &picture)?;
        fs::remove_dir_all(&inputs)?;
    }
    Ok(())
}

fn write(
    folder: &Path,
    extension: &str,
    options: &SaveOptions,
    picture: &Image,
    count: usize,
) -> Result<Vec<PathBuf>> {
    fs::create_dir(folder)?;
    let first = folder.join(format!("0000.{extension}"));
    options.save(picture, &first)?;
    let paths: Vec<PathBuf> = (0..count)
        .map(|i| folder.join(format!("{i:04}.{extension}")))
        .collect();
    for path in &paths[1..] {
        fs::copy(&first, path)?;
    }
    let bytes = first.metadata()?.len() as f64 / 1e6;
    println!("\n{extension}, {bytes:.2} MB each");
    Ok(paths)
}

fn measure(
    options: &Options,
    extension: &str,
    inputs: &Path,
    paths: &[PathBuf],
    save: &SaveOptions,
    picture: &Image,
) -> Result<()> {
    let Options {
        device, threads, ..
    } = options;
    let count = paths.len();
    let rate = |seconds: f64, count: usize| count as f64 / seconds;

    // The first run of each fills pools; it does not count.
    let bare = best(|| decode_only(paths, *threads))?;
    let load = best(|| load(device, paths, *threads))?;
    row("decode only", rate(bare, count), None);
    row(
        "load",
        rate(load, count),
        Some(("of decode only", bare / load)),
    );

    let outputs = inputs.with_extension("out");
    fs::create_dir(&outputs)?;
    // Encoders are slow, so fewer of them.
    let saves = (count / 2).max(2 * threads);
    let on_device = picture.to_device(device)?;
    let targets: Vec<PathBuf> = (0..saves)
        .map(|i| outputs.join(format!("{i:04}.{extension}")))
        .collect();
    let packed = save.pack(&on_device, &targets[0])?;
    let bare = best(|| encode_only(&packed, &targets, *threads))?;
    let saved = best(|| save_all(&on_device, save, &targets, *threads))?;
    row("encode only", rate(bare, saves), None);
    row(
        "save",
        rate(saved, saves),
        Some(("of encode only", bare / saved)),
    );

    let piped = best(|| pipe(device, paths, &outputs, save, *threads))?;
    row("load and save", rate(piped, count), None);
    for peer in peers::run(&options.python, inputs, &outputs, extension, *threads) {
        let ours = match peer.op.as_str() {
            "load" => rate(load, count),
            "save" => rate(saved, saves),
            _ => rate(piped, count),
        };
        let name = format!("{} by {}", peer.op, peer.peer);
        row(
            &name,
            peer.images_per_s,
            Some(("times as fast are we", ours / peer.images_per_s)),
        );
    }
    fs::remove_dir_all(&outputs)?;
    Ok(())
}

fn row(name: &str, rate: f64, ratio: Option<(&str, f64)>) {
    print!("  {name:34}{rate:>9.1}");
    match ratio {
        Some((of, ratio)) => println!("   {ratio:>6.2} {of}"),
        None => println!(),
    }
}

/// Seconds.
fn best(mut act: impl FnMut() -> Result<()>) -> Result<f64> {
    act()?;
    let mut best = f64::INFINITY;
    for _ in 0..REPEATS {
        let start = Instant::now();
        act()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

/// Calls `act` for each index below `count`, on `threads` threads.
fn on_threads(
    count: usize,
    threads: usize,
    act: impl Fn(usize) -> Result<()> + Sync,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= count {
                return Ok(());
            }
            act(i)?;
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Result<()>>| thread.join();
        threads
            .into_iter()
            .try_for_each(|thread| join(thread).expect("no panic"))
    })
}

/// Reads and decodes into memory that is used again, and nothing else.
fn decode_only(paths: &[PathBuf], threads: usize) -> Result<()> {
    let (options, cpu) = (LoadOptions::new(), Device::cpu());
    on_threads(paths.len(), threads, |i| {
        options.open(&cpu, &paths[i]).map(drop)
    })
}

fn load(device: &Device, paths: &[PathBuf], threads: usize) -> Result<()> {
    for (_, image) in Loader::new(device).threads(threads).load(paths.to_vec()) {
        image?;
    }
    device.synchronize()
}

/// Encodes and writes pixels that are there, and nothing else.
fn encode_only(packed: &PackedImage, targets: &[PathBuf], threads: usize) -> Result<()> {
    on_threads(targets.len(), threads, |i| packed.save(&targets[i]))
}

fn save_all(
    image: &Image,
    options: &SaveOptions,
    targets: &[PathBuf],
    threads: usize,
) -> Result<()> {
    let saver = Saver::new(options.clone()).threads(threads);
    for target in targets {
        saver.save(image, target);
    }
    saver
        .finish()
        .into_iter()
        .try_for_each(|saved| saved.result.map(drop))
}

fn pipe(
    device: &Device,
    paths: &[PathBuf],
    outputs: &Path,
    options: &SaveOptions,
    threads: usize,
) -> Result<()> {
    let jobs: Vec<_> = paths
        .iter()
        .map(|path| {
            (
                path.clone(),
                outputs.join(path.file_name().unwrap_or_default()),
            )
        })
        .collect();
    let report = Pipeline::new(device)
        .threads(threads)
        .save_options(options.clone())
        .run(jobs, |_, _| Ok::<(), Infallible>(()));
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    Ok(())
}
