//! The pictures of an animation or a document: lists them, saves each, or makes an animation of
//! another format of them.
//!
//! `cargo run --release --features cuda --example frames -- cat.gif cat_%04d.png`

#[path = "support/args.rs"]
mod args;
#[path = "support/say.rs"]
mod say;

use args::value;
use imagecuda::{Device, Format, LoadOptions, SaveOptions, batch::Numbered};
use say::{complain, say};
use std::{error::Error, path::PathBuf, process::ExitCode};

const USAGE: &str = "\
Usage: frames [OPTIONS] INPUT [OUTPUT]

Prints every frame of INPUT (an animated GIF, WebP or PNG) or every page (of a
TIFF): its number, its size, and the milliseconds that it is shown.

With an OUTPUT that has a number in its name (OUT_%04d.png, or OUT_%d.png), saves
each as a file. With any other OUTPUT (.gif or .webp), saves them as an animation.

Options:
      --device DEVICE      auto (default), cpu, cuda or cuda:N
      --quality Q          1 to 100, for JPEG and WebP [default: best; WebP lossless]
  -h, --help               print this";

fn main() -> ExitCode {
    say::ended("frames", start())
}

fn start() -> ExitCode {
    match parse(lexopt::Parser::from_env()) {
        Ok(None) => {
            say!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Some(task)) => match run(&task) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain!("frames: {error}");
                ExitCode::FAILURE
            }
        },
        Err(problem) => {
            complain!("frames: {problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

struct Task {
    device: String,
    save: SaveOptions,
    input: PathBuf,
    output: Output,
}

enum Output {
    None,
    Files(Numbered),
    Animation(PathBuf),
}

/// The task, or `None` if help was asked for.
fn parse(mut args: lexopt::Parser) -> Result<Option<Task>, Box<dyn Error>> {
    use lexopt::prelude::*;
    let mut device = "auto".to_owned();
    let mut save = SaveOptions::new();
    let mut files = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(None),
            Value(file) => files.push(PathBuf::from(file)),
            Long("device") => device = value(&mut args, "device")?,
            Long("quality") => save = save.quality(value(&mut args, "quality")?),
            _ => return Err(arg.unexpected().into()),
        }
    }
    let mut files = files.into_iter();
    let (Some(input), output, None) = (files.next(), files.next(), files.next()) else {
        return Err("one INPUT and at most one OUTPUT are needed".into());
    };
    let output = match output {
        None => Output::None,
        Some(name) => match name.to_str().map(Numbered::new) {
            Some(Ok(numbered)) => Output::Files(numbered),
            _ => Output::Animation(name),
        },
    };
    Ok(Some(Task {
        device,
        save,
        input,
        output,
    }))
}

fn run(task: &Task) -> Result<(), Box<dyn Error>> {
    let device = match &*task.device {
        "auto" => Device::try_default()?,
        name => name.parse()?,
    };
    let frames = LoadOptions::new().frames(&device, &task.input)?;
    let loop_count = frames.loop_count();
    match loop_count {
        None => say!("{}, looping", frames.format()),
        Some(times) => say!("{}, played {times}x", frames.format()),
    }
    let mut animation = match &task.output {
        Output::Animation(name) => {
            let format = Format::from_path(name)
                .ok_or_else(|| format!("{}: a .gif or .webp?", name.display()))?;
            Some(task.save.animation(format)?.loop_count(loop_count))
        }
        _ => None,
    };
    for frame in frames {
        let frame = frame?;
        let (image, delay) = (frame.image(), frame.delay());
        say!(
            "{}: {}x{}, {} ms",
            frame.index(),
            image.width(),
            image.height(),
            delay.as_secs_f64() * 1e3
        );
        if let Output::Files(numbered) = &task.output {
            task.save.save(image, numbered.path(frame.index() as u64))?;
        }
        if let Some(animation) = &mut animation {
            animation.push(image, delay)?;
        }
    }
    match (animation, &task.output) {
        (Some(animation), Output::Animation(name)) => Ok(animation.save(name)?),
        _ => Ok(()),
    }
}
