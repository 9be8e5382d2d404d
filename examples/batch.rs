//! Converts every picture of a folder, on all cores and any number of GPUs.
//!
//! `cargo run --release --features cuda --example batch -- --format webp --quality 85 in out`

#[path = "support/args.rs"]
mod args;
#[path = "support/pictures.rs"]
mod pictures;
#[path = "batch/plan.rs"]
mod plan;
#[path = "batch/progress.rs"]
mod progress;
#[path = "support/say.rs"]
mod say;

use args::value;
use imagecuda::{
    Device, ErrorKind, Format, Image, SaveOptions,
    batch::{CancelToken, Pipeline, Shard},
};
use pictures::Listing;
use say::{complain, say};
use std::{
    collections::{BTreeSet, HashSet},
    convert::Infallible,
    error::Error,
    fs,
    num::NonZero,
    path::{self, PathBuf},
    process::{self, ExitCode},
    sync::Arc,
    thread,
};

const USAGE: &str = "\
Usage: batch [OPTIONS] IN_DIR OUT_DIR

Loads every picture of IN_DIR as float32 RGBA on the device and saves it in
OUT_DIR under its own name. Of animations and documents, the first frame or page.
Two sources that would have one name, as a.jpg and a.png as WebP, are kept apart
as a.webp and a.png.webp. Ctrl-C finishes the files that are begun, and no more; a
second one ends at once, and may leave hidden files called .imagecuda-*.
Pictures are known by their extensions. Other files are left out and counted.

Options:
      --device DEVICE      auto (default), cpu, cuda, cuda:N, several of these with
                           commas between them, or all GPUs: all
      --threads N          to decode, and as many to encode [default: one a core]
      --prefetch N         images in flight [default: two a thread]
      --format EXT         the format to save, by its extension [default: the source's]
      --quality Q          1 to 100, for formats that have it [default: best]
      --shard I/N          only part I, counted from 0, of N
                           [default: as Slurm's or Kubernetes' variables say, else all]
      --resume             leave out what is in OUT_DIR already
      --recursive          the folders in IN_DIR as well
      --dry-run            print what would be saved as what
  -v, --verbose            name the files that are left out, and say why
  -h, --help               print this

Exit status: 0; 1 if a file failed, or what is to be printed could not be, unless its
reader had gone; 2 if it cannot be done as asked; 130 after Ctrl-C.";

/// What could not be done as asked, and what went wrong.
enum Problem {
    Usage(String),
    Failure(Box<dyn Error>),
}

impl<E: Into<Box<dyn Error>>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

fn main() -> ExitCode {
    say::ended("batch", start())
}

fn start() -> ExitCode {
    let outcome = match parse(lexopt::Parser::from_env()) {
        Ok(None) => {
            say!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Ok(Some(task)) => run(&task),
        Err(problem) => Err(Problem::Usage(problem.to_string())),
    };
    match outcome {
        Ok(code) => code,
        Err(Problem::Failure(error)) => {
            complain!("batch: {error}");
            ExitCode::FAILURE
        }
        Err(Problem::Usage(problem)) => {
            complain!("batch: {problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

struct Task {
    devices: String,
    threads: usize,
    prefetch: Option<usize>,
    format: Option<String>,
    save: SaveOptions,
    shard: Shard,
    resume: bool,
    recursive: bool,
    dry_run: bool,
    verbose: bool,
    input: PathBuf,
    output: PathBuf,
}

/// The task, or `None` if help was asked for.
fn parse(mut args: lexopt::Parser) -> Result<Option<Task>, Box<dyn Error>> {
    use lexopt::prelude::*;
    let mut task = Task {
        devices: "auto".into(),
        threads: thread::available_parallelism().map_or(1, |cores| cores.get()),
        prefetch: None,
        format: None,
        save: SaveOptions::new(),
        shard: Shard::ALL,
        resume: false,
        recursive: false,
        dry_run: false,
        verbose: false,
        input: PathBuf::new(),
        output: PathBuf::new(),
    };
    let mut shard = None;
    let mut folders = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(None),
            Value(folder) => folders.push(PathBuf::from(folder)),
            Long("device") => task.devices = value(&mut args, "device")?,
            Long("threads") => task.threads = value::<NonZero<_>>(&mut args, "threads")?.get(),
            Long("prefetch") => {
                task.prefetch = Some(value::<NonZero<_>>(&mut args, "prefetch")?.get())
            }
            Long("format") => {
                let extension: String = value(&mut args, "format")?;
                task.format = Some(extension.trim_start_matches('.').to_owned());
            }
            Long("quality") => task.save = task.save.quality(value(&mut args, "quality")?),
            Long("shard") => shard = Some(value(&mut args, "shard")?),
            Long("resume") => task.resume = true,
            Long("recursive") => task.recursive = true,
            Long("dry-run") => task.dry_run = true,
            Short('v') | Long("verbose") => task.verbose = true,
            _ => return Err(arg.unexpected().into()),
        }
    }
    let folders = <[PathBuf; 2]>::try_from(folders);
    [task.input, task.output] = folders.map_err(|_| "one IN_DIR and one OUT_DIR are needed")?;
    task.shard = match shard {
        Some(shard) => shard,
        None => Shard::from_env()?.unwrap_or(Shard::ALL),
    };
    Ok(Some(task))
}

fn run(task: &Task) -> Result<ExitCode, Problem> {
    let (jobs, found) = jobs(task)?;
    let total = jobs.len();
    let left_out = found.left_out();
    if task.verbose {
        for (name, why) in &found.left_out {
            complain!("batch: left out {}: {why}", task.input.join(name).display());
        }
    }
    if task.dry_run {
        for (source, target) in &jobs {
            let is_there = target.exists();
            let note = match (is_there, task.resume) {
                (true, true) => " (is there, left out)",
                (true, false) => " (is there, replaced)",
                (false, _) => "",
            };
            say!("{} -> {}{note}", source.display(), target.display());
        }
        if let Some(left_out) = left_out {
            complain!("batch: {left_out}"); // what is printed is the list
        }
        return Ok(ExitCode::SUCCESS);
    }

    let devices = devices(&task.devices)?;
    let names: Vec<String> = devices.iter().map(Device::to_string).collect();
    let part = match task.shard {
        Shard::ALL => String::new(),
        shard => format!(", part {shard}"),
    };
    say!("{total} images{part} on {}", names.join(", "));
    if let Some(left_out) = left_out {
        say!("{left_out}");
    }
    let there = jobs.iter().filter(|(_, target)| target.exists()).count();
    if there > 0 && !task.resume {
        say!("{there} of them are there already and are replaced");
    }
    for (_, target) in &jobs {
        let folder = target.parent().unwrap_or(&task.output);
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }

    let token = CancelToken::new();
    let to_cancel = token.clone();
    ctrlc::set_handler(move || {
        if to_cancel.is_cancelled() {
            process::exit(130);
        }
        to_cancel.cancel();
        complain!("batch: finishing what is begun; Ctrl-C again stops at once");
    })?;
    let meter = Arc::new(progress::Meter::new(total));
    let display = Arc::clone(&meter);
    let mut pipeline = Pipeline::new(&devices[0])
        .devices(devices)
        .threads(task.threads)
        .save_options(task.save.clone())
        .resume(task.resume)
        .cancel_token(&token)
        .on_progress(move |event| display.update(&event.progress));
    if let Some(images) = task.prefetch {
        pipeline = pipeline.in_flight(images);
    }
    // Here is the place for work on each image.
    let report = pipeline.run(jobs, |_: &mut Image, _| Ok::<(), Infallible>(()));
    meter.finish();
    for failure in &report.failures {
        complain!("batch: {}", failure.error);
    }
    let summary = progress::summary(&report, total, task.threads);
    say!("{}", summary.trim_end());
    Ok(match (report.cancelled, report.failures.is_empty()) {
        (true, _) => ExitCode::from(130),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::FAILURE,
    })
}

/// What is to be loaded and saved, of this shard.
fn jobs(task: &Task) -> Result<(Vec<(PathBuf, PathBuf)>, Listing), Problem> {
    if let Some(extension) = &task.format
        && !Format::from_extension(extension).is_some_and(Format::can_save)
    {
        return Err(Problem::Usage(format!("--format: cannot save {extension}")));
    }
    let folder = |folder: &PathBuf| folder.canonicalize().or_else(|_| path::absolute(folder));
    let (input, output) = (folder(&task.input)?, folder(&task.output)?);
    let mut found = pictures::list(&task.input, task.recursive, Some(&output), Format::can_load)?;
    let sources = std::mem::take(&mut found.pictures);
    if sources.is_empty() {
        let folder = task.input.display();
        let left_out = found.left_out().map(|left_out| format!("; {left_out}"));
        let left_out = left_out.unwrap_or_default();
        return Err(format!("{folder}: there are no pictures here{left_out}").into());
    }
    // Names are given before the list is parted, so that all parts agree about them.
    let targets = plan::targets(&sources, task.format.as_deref());
    can_save(task, &targets)?;
    let all: HashSet<PathBuf> = sources.iter().map(|source| input.join(source)).collect();
    // A file system may have one file under several names: links, and letters of another case.
    let is_source = |path: PathBuf| {
        all.contains(&path) || path.canonicalize().is_ok_and(|path| all.contains(&path))
    };
    if let Some(target) = targets.iter().find(|t| is_source(output.join(t))) {
        let target = task.output.join(target);
        let problem = format!("{} is a source and would be replaced", target.display());
        return Err(Problem::Usage(problem));
    }
    let jobs = sources.into_iter().zip(targets).map(|(source, target)| {
        let (source, target) = (task.input.join(source), task.output.join(target));
        (source, target)
    });
    Ok((task.shard.of(jobs).collect(), found))
}

/// Whether every format there takes the options: better told now than once a file.
fn can_save(task: &Task, targets: &[PathBuf]) -> Result<(), Problem> {
    let probe = Image::new(&Device::cpu(), 1, 1)?;
    let extensions: BTreeSet<_> = targets.iter().filter_map(|t| t.extension()).collect();
    for extension in extensions {
        let name = PathBuf::from("x").with_extension(extension);
        if let Err(error) = task.save.pack(&probe, &name) {
            let extension = extension.display();
            let problem = format!("cannot save .{extension} files so: {}", error.kind());
            return Err(Problem::Usage(problem));
        }
    }
    Ok(())
}

/// The devices that were asked for. `auto` honours `IMAGECUDA_DEVICE`, as the library's default.
fn devices(names: &str) -> imagecuda::Result<Vec<Device>> {
    if names == "all" {
        let mut devices = vec![Device::cuda(0)?];
        loop {
            match Device::cuda(devices.len() as u32) {
                Ok(device) => devices.push(device),
                Err(error) if matches!(error.kind(), ErrorKind::NoDevice(_)) => return Ok(devices),
                Err(error) => return Err(error),
            }
        }
    }
    let open = |name: &str| match name {
        "auto" => Device::try_default(),
        name => name.parse(),
    };
    names.split(',').map(open).collect()
}
