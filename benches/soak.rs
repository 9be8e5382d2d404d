//! Days of use in minutes: mixed files are loaded and saved by many threads in every way there is,
//! and all results compared with those of a first pass by one thread; memory is watched, and has to
//! be flat.
//!
//! `cargo bench -p imagecuda --features cuda --bench soak -- [--device D] [--threads N]
//! [--count N] [--seconds N] [--out FILE.csv] [--small]`
//!
//! With `--small` all files are small JPEGs, a few of which are of other kinds or damaged, half of the
//! threads run batches, and a tenth of the batches are cancelled.
//! Files are of the program's own making, and those of `IMAGECUDA_CORPUS`, where that is set, of up
//! to 64 KiB. Without `--count` and `--seconds` it takes ten seconds, which says nothing of
//! growth. Ends with 1 if anything differs, or grows.

#[path = "soak/files.rs"]
mod files;
#[path = "../examples/support/scene.rs"]
mod scene;
#[path = "soak/watch.rs"]
mod watch;
#[path = "soak/ways.rs"]
mod ways;

use imagecuda::{Device, Image, LoadOptions, SaveOptions, batch};
use std::{
    collections::HashMap,
    env,
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use ways::{Outcome, WAYS, Way};

/// Differences that are told; all are counted.
const TOLD: u64 = 20;

struct Options {
    device: Device,
    threads: usize,
    count: u64,
    seconds: u64,
    out: Option<PathBuf>,
    small: bool,
}

/// What all threads share.
struct Soak {
    options: Options,
    files: Vec<PathBuf>,
    /// What one thread got, by file and way.
    expected: HashMap<(usize, usize), Outcome>,
    folder: PathBuf,
    operations: AtomicU64,
    /// How many of those ended in an error, as they had to.
    failures: AtomicU64,
    differences: AtomicU64,
    is_over: AtomicBool,
    end: Instant,
}

fn main() -> std::result::Result<ExitCode, Box<dyn Error>> {
    let options = options()?;
    let folder = tempfile::tempdir()?;
    let files = match options.small {
        true => files::make_small(folder.path())?,
        false => files::make(folder.path())?,
    };
    println!("{}: {} files", options.device, files.len());
    let start = Instant::now();
    let mut expected = HashMap::new();
    let mut differences = 0;
    for (number, file) in files.iter().enumerate() {
        for (way, what) in WAYS.iter().enumerate() {
            let scratch = folder.path().join("first");
            if !what.suits(file) {
                continue;
            }
            let outcome = what.take(&options.device, file, &scratch, &mut None);
            if options.device.is_cuda() {
                let host = what.take(&Device::cpu(), file, &scratch, &mut None);
                if host != outcome {
                    differences += 1;
                    println!("{file:?} {what:?}: {outcome:?}, but {host:?} without a GPU");
                }
            }
            expected.insert((number, way), outcome);
        }
    }
    let failures = expected.values().filter(|outcome| outcome.is_err());
    println!(
        "first pass: {} operations, {} of which fail, in {:.0} s",
        expected.len(),
        failures.count(),
        start.elapsed().as_secs_f64()
    );
    let soak = Soak {
        end: Instant::now() + Duration::from_secs(options.seconds),
        options,
        files,
        expected,
        folder: folder.path().to_owned(),
        operations: AtomicU64::new(0),
        failures: AtomicU64::new(0),
        differences: AtomicU64::new(differences),
        is_over: AtomicBool::new(false),
    };
    let readings = soak.run();
    if let Some(out) = &soak.options.out {
        watch::write(out, &readings)?;
    }
    let growth = watch::growth(&readings);
    println!(
        "{} operations, {} of which failed as they had to; {} differences",
        soak.operations.load(Ordering::Relaxed),
        soak.failures.load(Ordering::Relaxed),
        soak.differences.load(Ordering::Relaxed)
    );
    for growth in &growth {
        println!("{growth}");
    }
    let is_good = soak.differences.load(Ordering::Relaxed) == 0 && growth.is_empty();
    println!(
        "{}",
        if is_good {
            "flat, and the same"
        } else {
            "FAILED"
        }
    );
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn options() -> std::result::Result<Options, Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (mut device, mut threads, mut count, mut seconds, mut out) = (None, 16, None, None, None);
    let mut small = false;
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--bench" => {}
            "--small" => small = true,
            "--device" => device = Some(value()?.parse()?),
            "--threads" => threads = value()?.parse()?,
            "--count" => count = Some(value()?.parse()?),
            "--seconds" => seconds = Some(value()?.parse()?),
            "--out" => out = Some(PathBuf::from(value()?)),
            _ => return Err(format!("{arg}: no such option").into()),
        }
    }
    let seconds = seconds.unwrap_or(if count.is_some() { 86_400 } else { 10 });
    Ok(Options {
        device: match device {
            Some(device) => device,
            None => Device::try_default()?,
        },
        threads,
        count: count.unwrap_or(u64::MAX),
        seconds,
        out,
        small,
    })
}

/// Numbers that look like chance, and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % end
    }
}

impl Soak {
    /// Until time or count are over. What was read of memory meanwhile.
    fn run(&self) -> Vec<watch::Reading> {
        let readings = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for number in 0..self.options.threads {
                scope.spawn(move || match number {
                    // These have threads of their own, of the library's making.
                    0 => self.batches(number),
                    _ if self.options.small && number % 2 == 0 => self.batches(number),
                    _ => self.single(number),
                });
            }
            let readings = &readings;
            scope.spawn(move || {
                let start = Instant::now();
                let mut told = start;
                while !self.is_over() {
                    thread::sleep(Duration::from_millis(500));
                    let operations = self.operations.load(Ordering::Relaxed);
                    let reading = watch::Reading::new(start, operations, &self.options.device);
                    if told.elapsed() >= Duration::from_secs(10) {
                        told = Instant::now();
                        println!("{reading}");
                    }
                    let mut readings = readings.lock().unwrap_or_else(PoisonError::into_inner);
                    readings.push(reading);
                }
            });
        });
        readings
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        if self.operations.load(Ordering::Relaxed) >= self.options.count
            || Instant::now() >= self.end
        {
            self.is_over.store(true, Ordering::Relaxed);
        }
        self.is_over.load(Ordering::Relaxed)
    }

    fn check(&self, file: usize, way: usize, outcome: &Outcome) {
        self.operations.fetch_add(1, Ordering::Relaxed);
        if outcome.is_err() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        let expected = &self.expected[&(file, way)];
        if expected != outcome && self.differences.fetch_add(1, Ordering::Relaxed) < TOLD {
            let (file, way) = (&self.files[file], &WAYS[way]);
            println!("{file:?} {way:?}: {outcome:?}, not {expected:?}");
        }
    }

    /// A file at a time, in a way that chance takes.
    fn single(&self, number: usize) {
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ (number as u64) << 20);
        let scratch = self.folder.join(format!("thread{number}"));
        // One buffer that adapts, and some images that stay for a while.
        let mut reused = None;
        let mut kept: Vec<Option<Image>> = (0..4).map(|_| None).collect();
        while !self.is_over() {
            let (file, way) = (chance.below(self.files.len()), chance.below(WAYS.len()));
            let path = &self.files[file];
            if !WAYS[way].suits(path) {
                continue;
            }
            let outcome = WAYS[way].take(&self.options.device, path, &scratch, &mut reused);
            self.check(file, way, &outcome);
            match chance.below(100) {
                0 => reused = None,
                1..4 if files::is_small(path) => {
                    kept[chance.below(4)] =
                        LoadOptions::new().load(&self.options.device, path).ok();
                }
                4 => kept[chance.below(4)] = None,
                _ => {}
            }
        }
    }

    /// All files at once, by a loader and a saver.
    fn batches(&self, number: usize) {
        let mut chance = Chance(0x2545_f491_4f6c_dd1d ^ (number as u64) << 20);
        let device = &self.options.device;
        let find = |wanted: &Way| WAYS.iter().position(|way| way == wanted);
        let (Some(load), Some(save)) = (find(&Way::Load), find(&Way::SavePng)) else {
            return;
        };
        let numbers: HashMap<&Path, usize> =
            (0..).zip(&self.files).map(|(i, f)| (&**f, i)).collect();
        let folder = self.folder.join(format!("batch{number}"));
        if let Err(error) = std::fs::create_dir_all(&folder) {
            println!("{folder:?}: {error}");
            return;
        }
        while !self.is_over() {
            let saver = batch::Saver::new(SaveOptions::new()).threads(2);
            let token = batch::CancelToken::new();
            let loader = batch::Loader::new(device).threads(3).unordered();
            let loader = loader.cancel_token(&token);
            let is_cancelled = self.options.small && chance.below(10) == 0;
            let last = match is_cancelled {
                true => chance.below(self.files.len()),
                false => usize::MAX,
            };
            for (done, (path, image)) in loader.load(self.files.clone()).enumerate() {
                if done == last {
                    token.cancel();
                }
                let file = numbers[&*path];
                let outcome = ways::outcome(image.as_deref());
                self.check(file, load, &outcome);
                if let Ok(image) = &image
                    && WAYS[save].suits(&path)
                {
                    saver.save(image, folder.join(format!("{file}.png")));
                }
                if self.is_over() {
                    break;
                }
            }
            for saved in saver.finish() {
                let stem = saved.path.file_stem().and_then(|stem| stem.to_str());
                let Some(file) = stem.and_then(|stem| stem.parse().ok()) else {
                    continue;
                };
                let outcome = match saved.result {
                    Ok(_) => ways::written(&saved.path),
                    Err(error) => Err(error.to_string()),
                };
                self.check(file, save, &outcome);
            }
        }
    }
}
