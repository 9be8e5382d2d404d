//! Many different small files to images on a GPU: how many a second, and how many driver calls for
//! each; beside other libraries on the same files, in one run.
//!
//! `cargo bench -p imagecuda --features cuda --bench small -- [--threads 4,8,16] [--images N]
//! [--device D] [--only NAME] [--python PROGRAM] [--dir FOLDER] [--save] [--in-flight N] [--gib N]`
//!
//! With `--save` it also saves the loaded images as JPEG files again.
//!
//! A memory disk is the place for the files: `TMPDIR=/dev/shm`. With `--dir` it loads the files of a
//! folder instead of made ones.

#[path = "../examples/support/scene.rs"]
mod scene;

#[path = "batch/peers.rs"]
mod peers;

use imagecuda::{
    Channels, Device, Format, Image, Layout, LoadOptions, Result, SaveOptions, Subsampling,
    batch::{Loader, Saver},
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

/// What the made files are parts of.
const SCENE: (u32, u32) = (4000, 3000);

/// How often a batch loads each file, so that starting and ending it take little of the time.
const ROUNDS: usize = 4;

/// A kind of files.
struct Kind {
    name: &'static str,
    size: (u32, u32),
    /// The range of the noise that is added, so that files have the size of photographs: 5 bits a
    /// pixel where they are small, and 2 where they are large.
    grain: u32,
    /// How many of a hundred files are progressive, gray, or PNG.
    others: u32,
}

const KINDS: [Kind; 6] = [
    kind("500x375", (500, 375), 96, 0),
    kind("256x256", (256, 256), 96, 0),
    kind("128x128", (128, 128), 96, 0),
    kind("1920x1080", (1920, 1080), 20, 0),
    kind("3840x2160", (3840, 2160), 20, 0),
    kind("mixed", (500, 375), 96, 10),
];

const fn kind(name: &'static str, size: (u32, u32), grain: u32, others: u32) -> Kind {
    Kind {
        name,
        size,
        grain,
        others,
    }
}

fn value(name: &str) -> Option<String> {
    let args: Vec<String> = env::args().collect();
    let at = args.iter().position(|arg| arg == name)?;
    args.get(at + 1).cloned()
}

fn number(name: &str) -> Option<u64> {
    value(name)?.parse().ok()
}

fn main() -> Result<()> {
    let device: Device = match value("--device") {
        Some(name) => name.parse()?,
        None => Device::try_default()?,
    };
    let cores = thread::available_parallelism().map_or(1, |n| n.get());
    let threads: Vec<usize> = match value("--threads") {
        Some(list) => list.split(',').filter_map(|n| n.parse().ok()).collect(),
        None => vec![cores.div_ceil(4), cores.div_ceil(2), cores],
    };
    let images = value("--images").and_then(|text| text.parse().ok());
    println!("{device} ({}), {cores} cores", device.name());
    if let Some(folder) = value("--dir") {
        let paths = fs::read_dir(&folder)?.flatten().map(|entry| entry.path());
        return measure(
            &device,
            &folder,
            Path::new(&folder),
            paths.collect(),
            &threads,
        );
    }
    let scene = scene::render(SCENE.0, SCENE.1);
    let only = value("--only");
    for kind in KINDS {
        if only.as_deref().is_some_and(|only| only != kind.name) {
            continue;
        }
        let folder = tempfile::tempdir()?;
        let count = images.unwrap_or(match kind.size.0 {
            0..1000 => 1536,
            1000..3000 => 384,
            _ => 96,
        });
        let paths = write(folder.path(), &kind, &scene, count)?;
        measure(&device, kind.name, folder.path(), paths, &threads)?;
    }
    Ok(())
}

/// Writes different parts of the scene, each with a quality and a subsampling of its own.
fn write(folder: &Path, kind: &Kind, scene: &[u8], count: usize) -> Result<Vec<PathBuf>> {
    let (width, height) = kind.size;
    let write = |i: usize| {
        let i = i as u32;
        let x = i.wrapping_mul(7919) % (SCENE.0 - width);
        let y = i.wrapping_mul(104_729) % (SCENE.1 - height);
        let mut rgb = Vec::with_capacity(3 * (width * height) as usize);
        for row in y..y + height {
            let at = 3 * (row * SCENE.0 + x) as usize;
            let pixels = scene[at..at + 3 * width as usize].chunks_exact(3);
            for (column, pixel) in (0..).zip(pixels) {
                let of_all = texture(i, column, row, kind.grain);
                let of_red = hash(row * SCENE.0 + column) % (1 + kind.grain / 8);
                for (channel, &value) in pixel.iter().enumerate() {
                    let grain = of_all + if channel == 0 { of_red } else { 0 };
                    let value = (u32::from(value) + grain).saturating_sub(2 * kind.grain);
                    rgb.push(value.min(255) as u8);
                }
            }
        }
        let picture = Image::from_pixels(&Device::cpu(), width, height, Layout::Rgb8, &rgb)?;
        let other = i * 37 % 100;
        let options = SaveOptions::new().quality(75 + (i % 5 * 5) as u8);
        let subsampling = match i % 3 {
            0 => Subsampling::Yuv444,
            _ => Subsampling::Yuv420,
        };
        let of = |number: u32| kind.others > 0 && other / kind.others == number;
        let options = match () {
            () if of(1) => options.channels(Channels::Gray),
            () if of(2) => SaveOptions::new(),
            () => options.subsampling(subsampling).progressive(of(0)),
        };
        let format = if of(2) { Format::Png } else { Format::Jpeg };
        let path = folder.join(format!("{i:05}.{}", format.extensions()[0]));
        options.save(&picture, &path)?;
        Ok(path)
    };
    on_all_cores(count, write)
}

/// Noise of which most is coarse, as in photographs: up to four times `grain`.
fn texture(seed: u32, x: u32, y: u32, grain: u32) -> u32 {
    let octave = |shift: u32, weight: u32| {
        let place = (y >> shift) * SCENE.0 + (x >> shift);
        let number = hash(seed << 20 ^ shift << 28 ^ place);
        weight * (number % 256) * grain / 1024
    };
    octave(0, 2) + octave(1, 4) + octave(2, 5) + octave(3, 5)
}

/// A number that looks random.
fn hash(number: u32) -> u32 {
    let number = (number ^ number >> 15).wrapping_mul(0x2c1b_3c6d);
    let number = (number ^ number >> 12).wrapping_mul(0x297a_2d39);
    number ^ number >> 15
}

fn on_all_cores<T: Send>(count: usize, act: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    let cores = thread::available_parallelism().map_or(1, |n| n.get());
    let next = AtomicUsize::new(0);
    let work = || {
        let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        numbers.take_while(|&i| i < count).map(&act).collect()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for thread in threads {
            let made: Result<Vec<T>> = thread.join().expect("no panic");
            all.extend(made?);
        }
        Ok(all)
    })
}

fn measure(
    device: &Device,
    name: &str,
    folder: &Path,
    paths: Vec<PathBuf>,
    threads: &[usize],
) -> Result<()> {
    let bytes: u64 = paths
        .iter()
        .flat_map(fs::metadata)
        .map(|data| data.len())
        .sum();
    let count = paths.len();
    println!(
        "\n{name}: {count} files, {:.3} MB each; images a second, the best of five",
        bytes as f64 / 1e6 / count as f64
    );
    // Different threads read different files, as the loader's do.
    let seconds = best(|| on_all_cores(count, |i| Ok(fs::read(&paths[i])?.len())).map(drop))?;
    println!(
        "  {:38}{:>9.0}",
        "only read, all cores",
        count as f64 / seconds
    );
    let mut fastest: f64 = 0.0;
    for &threads in threads {
        let calls = calls();
        let seconds = best(|| load(device, &paths, threads))? / ROUNDS as f64;
        let calls = calls.map(|before| (self::calls().unwrap_or(before) - before) as f64);
        let rate = count as f64 / seconds;
        fastest = fastest.max(rate);
        print!(
            "  {:38}{rate:>9.0}",
            format!("imagecuda, {threads} threads")
        );
        match calls {
            Some(calls) => println!(
                "   {:.2} driver calls an image",
                calls / (6 * ROUNDS * count) as f64
            ),
            None => println!(),
        }
    }
    if env::args().any(|arg| arg == "--save") {
        save(device, &paths, threads)?;
    }
    let python = value("--python").unwrap_or_else(|| "python3".into());
    if python != "none" {
        let cores = thread::available_parallelism().map_or(1, |n| n.get());
        let out = folder.join("out");
        for peer in peers::load(&python, folder, &out, "jpg", cores) {
            println!(
                "  {:38}{:>9.0}   {:.2} times as fast are we",
                peer.peer,
                peer.images_per_s,
                fastest / peer.images_per_s
            );
        }
    }
    Ok(())
}

/// Saves images of the first files as JPEG files.
fn save(device: &Device, paths: &[PathBuf], threads: &[usize]) -> Result<()> {
    let paths = &paths[..paths.len().min(512)];
    let images: Vec<Image> = paths
        .iter()
        .map(|path| LoadOptions::new().load(device, path))
        .collect::<Result<_>>()?;
    device.synchronize()?;
    let folder = tempfile::tempdir()?;
    for &threads in threads {
        let calls = calls();
        let seconds = best(|| {
            let saver = Saver::new(SaveOptions::new().quality(90)).threads(threads);
            for (number, image) in images.iter().enumerate() {
                saver.save(image, folder.path().join(format!("{number}.jpg")));
            }
            saver
                .finish()
                .into_iter()
                .try_for_each(|saved| saved.result.map(drop))
        })?;
        let calls = calls.map_or(0, |before| self::calls().unwrap_or(before) - before);
        println!(
            "  {:38}{:>9.0}   {:.2} driver calls an image",
            format!("saved again, {threads} threads"),
            images.len() as f64 / seconds,
            calls as f64 / (6 * images.len()) as f64
        );
    }
    Ok(())
}

/// Calls of the driver's functions so far.
fn calls() -> Option<u64> {
    Some(cuda_delay_load::calls()).filter(|&calls| calls > 0)
}

/// Seconds of the fastest of five runs, after one that does not count.
fn best(mut act: impl FnMut() -> Result<()>) -> Result<f64> {
    act()?;
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        act()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

/// Loads the files [`ROUNDS`] times, in one batch.
fn load(device: &Device, paths: &[PathBuf], threads: usize) -> Result<()> {
    let all = paths.iter().cycle().take(ROUNDS * paths.len()).cloned();
    let mut loader = Loader::new(device).threads(threads);
    if let Some(images) = number("--in-flight") {
        loader = loader.in_flight(images as usize);
    }
    if let Some(gib) = number("--gib") {
        loader = loader.max_bytes(gib << 30);
    }
    for (_, image) in loader.load(all.collect::<Vec<_>>()) {
        image?;
    }
    device.synchronize()
}
