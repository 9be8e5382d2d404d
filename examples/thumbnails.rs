//! Thumbnails of a folder of pictures: each is made smaller to fit a square, and saved as a JPEG.
//!
//! `cargo run --release --features cuda --example thumbnails -- photos thumbnails --side 256`

#[path = "support/args.rs"]
mod args;
#[path = "support/say.rs"]
mod say;

use args::value;
use imagecuda::{Device, Format, LoadOptions, SaveOptions, batch::Pipeline};
use say::{complain, say};
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

const USAGE: &str = "\
Usage: thumbnails [OPTIONS] FOLDER OUT_FOLDER

Saves a thumbnail of each picture of FOLDER in OUT_FOLDER, as NAME.jpg: a.png as a.png.jpg. Pictures keep
their ratio, and are never made larger.

Options:
      --device DEVICE      auto (default), cpu, cuda or cuda:N
      --side N             the longest side in pixels [default: 256]
      --quality Q          of the JPEG files, 1 to 100 [default: 85]
  -h, --help               print this";

fn main() -> ExitCode {
    say::ended("thumbnails", start())
}

fn start() -> ExitCode {
    match parse(lexopt::Parser::from_env()) {
        Ok(None) => say!("{USAGE}"),
        Ok(Some(task)) => {
            if let Err(error) = run(&task) {
                complain!("thumbnails: {error}");
                return ExitCode::FAILURE;
            }
        }
        Err(problem) => {
            complain!("thumbnails: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

struct Task {
    device: Option<String>,
    side: u32,
    quality: u8,
    folders: [PathBuf; 2],
}

/// The task, or `None` if help was asked for.
fn parse(mut args: lexopt::Parser) -> Result<Option<Task>, Box<dyn Error>> {
    use lexopt::prelude::*;
    let (mut device, mut side, mut quality) = (None, 256, 85);
    let mut folders = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(None),
            Value(folder) => folders.push(PathBuf::from(folder)),
            Long("device") => device = Some(value(&mut args, "device")?),
            Long("side") => side = value(&mut args, "side")?,
            Long("quality") => quality = value(&mut args, "quality")?,
            _ => return Err(arg.unexpected().into()),
        }
    }
    if side == 0 {
        return Err("--side must be at least 1".into());
    }
    let folders = <[PathBuf; 2]>::try_from(folders);
    Ok(Some(Task {
        device,
        side,
        quality,
        folders: folders.map_err(|_| "a FOLDER and an OUT_FOLDER are needed")?,
    }))
}

/// The files to load, and those to save.
fn jobs([from, to]: &[PathBuf; 2]) -> Result<Vec<(PathBuf, PathBuf)>, Box<dyn Error>> {
    let unreadable = |error| format!("{}: {error}", from.display());
    let mut jobs = Vec::new();
    for entry in fs::read_dir(from).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if Format::from_path(&path).is_some_and(Format::can_load)
            && let Some(name) = path.file_name()
        {
            let mut name = name.to_owned();
            name.push(".jpg");
            jobs.push((path, to.join(name)));
        }
    }
    jobs.sort();
    Ok(jobs)
}

fn run(task: &Task) -> Result<(), Box<dyn Error>> {
    let device = match task.device.as_deref() {
        None | Some("auto") => Device::try_default()?,
        Some(name) => name.parse()?,
    };
    let out: &Path = &task.folders[1];
    fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let jobs = jobs(&task.folders)?;
    let start = Instant::now();
    let report = Pipeline::new(&device)
        .load_options(LoadOptions::new().fit(task.side, task.side))
        .save_options(SaveOptions::new().quality(task.quality))
        .run(jobs, |_, _| Ok::<_, imagecuda::Error>(()));
    for failure in &report.failures {
        // The error names the file.
        complain!("thumbnails: {}", failure.error);
    }
    let rate = report.saved as f64 / start.elapsed().as_secs_f64();
    say!(
        "{} thumbnails on {device}, {rate:.1} a second",
        report.saved
    );
    match report.failures.len() {
        0 => Ok(()),
        failed => Err(format!("{failed} files have no thumbnail").into()),
    }
}
