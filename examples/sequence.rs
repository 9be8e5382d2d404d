//! The frames of a video, in order, through buffers of a fixed size: while one frame is worked on,
//! the next are decoded and those before are encoded.
//!
//! `cargo run --release --features cuda --example sequence -- in/frame_%04d.png out/frame_%04d.png`

#[path = "support/args.rs"]
mod args;
#[path = "support/say.rs"]
mod say;

use args::{value, value_with};
use imagecuda::{
    Device, Image, SaveOptions,
    batch::{Loader, Numbered, Saver},
};
use say::{complain, say};
use std::{error::Error, fs, process::ExitCode, time::Instant};

const USAGE: &str = "\
Usage: sequence [OPTIONS] IN_PATTERN OUT_PATTERN

Loads the frames IN_PATTERN (frame_%04d.png) in order until there are no more, and
saves each as OUT_PATTERN of the same number. All must be of one size.

Options:
      --device DEVICE      auto (default), cpu, cuda or cuda:N
      --first N            the number of the first frame [default: 0]
      --fps F              tell as well how many times faster than F frames a second
  -h, --help               print this";

/// Frames in flight on each side of the work: one is ready while another is on its way.
const IN_FLIGHT: usize = 4;

fn main() -> ExitCode {
    say::ended("sequence", start())
}

fn start() -> ExitCode {
    match parse(lexopt::Parser::from_env()) {
        Ok(None) => say!("{USAGE}"),
        Ok(Some(task)) => {
            if let Err(error) = run(&task) {
                complain!("sequence: {error}");
                return ExitCode::FAILURE;
            }
        }
        Err(problem) => {
            complain!("sequence: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

#[derive(Default)]
struct Task {
    device: Option<String>,
    first: u64,
    fps: Option<f64>,
    patterns: Vec<Numbered>,
}

/// The task, or `None` if help was asked for.
fn parse(mut args: lexopt::Parser) -> Result<Option<Task>, Box<dyn Error>> {
    use lexopt::prelude::*;
    let mut task = Task::default();
    while let Some(arg) = args.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(None),
            Value(pattern) => task.patterns.push(Numbered::new(&pattern.string()?)?),
            Long("device") => task.device = Some(value(&mut args, "device")?),
            Long("first") => task.first = value(&mut args, "first")?,
            Long("fps") => task.fps = Some(value_with(&mut args, "fps", rate)?),
            _ => return Err(arg.unexpected().into()),
        }
    }
    match &*task.patterns {
        [input, output] if input != output => Ok(Some(task)),
        _ => Err("an IN_PATTERN and another OUT_PATTERN are needed".into()),
    }
}

/// Frames a second.
fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok();
    let rate = rate.filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| format!("{text} is no number above 0"))
}

fn run(task: &Task) -> Result<(), Box<dyn Error>> {
    let device = match task.device.as_deref() {
        None | Some("auto") => Device::try_default()?,
        Some(name) => name.parse()?,
    };
    let (input, output) = (&task.patterns[0], &task.patterns[1]);
    let missing = || format!("{}: no such frame", input.path(task.first).display());
    let first = input.first(task.first).ok_or_else(missing)?;
    if let Some(folder) = output.path(first).parent() {
        let made = fs::create_dir_all(folder);
        made.map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let start = Instant::now();
    // Images that are dropped are loaded into again, so this allocates a few and no more.
    let frames = input.existing(first).zip(first..=u64::MAX);
    let frames = Loader::new(&device).in_flight(IN_FLIGHT).load(frames);
    let saver = Saver::new(SaveOptions::new()).in_flight(IN_FLIGHT);
    let mut work: Option<Image> = None;
    for ((path, number), frame) in frames {
        let frame = frame?;
        let (width, height) = (frame.width(), frame.height());
        // Of the size of the first frame, and used for all.
        let image = match &mut work {
            Some(image) => image,
            none => none.insert(Image::new(&device, width, height)?),
        };
        let (w, h) = (image.width(), image.height());
        if (width, height) != (w, h) {
            let path = path.display();
            return Err(format!("{path}: {width}x{height}, and the first is {w}x{h}").into());
        }
        image.copy_from(&frame)?;
        // Here is the place for kernels on `image.as_device_ptr()`.
        saver.save(image, output.path(number));
    } // `saver` has what it needs: the next frame may overwrite `image` at once
    let saved: imagecuda::Result<Vec<u64>> = saver.finish().into_iter().map(|s| s.result).collect();
    let count = saved?.len();
    let rate = count as f64 / start.elapsed().as_secs_f64();
    say!("{count} frames on {device}, {rate:.1} a second");
    if let Some(fps) = task.fps {
        say!("{:.2} times as fast as {fps} a second", rate / fps);
    }
    Ok(())
}
