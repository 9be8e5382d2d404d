//! The pictures of an animation or a document: lists them, saves each, or makes an animation of
//! another format of them.
//!
//! `cargo run --release --features cuda --example frames -- cat.gif cat_%04d.png`

use imagecuda::{Device, Format, LoadOptions, SaveOptions};
use std::{error::Error, process::ExitCode};

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
    match parse(std::env::args().skip(1)) {
        Ok(None) => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Some(task)) => match run(&task) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("frames: {error}");
                ExitCode::FAILURE
            }
        },
        Err(problem) => {
            eprintln!("frames: {problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

struct Task {
    device: String,
    save: SaveOptions,
    input: String,
    output: Output,
}

enum Output {
    None,
    /// Text before the number, its least digits, text after it.
    Files(String, usize, String),
    Animation(String),
}

/// The task, or `None` if help was asked for.
fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Task>, String> {
    let mut device = "auto".to_owned();
    let mut save = SaveOptions::new();
    let mut files = Vec::new();
    while let Some(arg) = args.next() {
        if !arg.starts_with('-') || arg == "-" {
            files.push(arg);
            continue;
        }
        let (name, inline) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        let mut value = || {
            let value = inline.clone().or_else(|| args.next());
            value.ok_or_else(|| format!("{name} needs a value"))
        };
        match name {
            "-h" | "--help" => return Ok(None),
            "--device" => device = value()?,
            "--quality" => {
                let quality = value()?;
                let number = quality.parse();
                save = save.quality(number.map_err(|_| format!("--quality: {quality}"))?);
            }
            _ => return Err(format!("there is no option {name}")),
        }
    }
    let mut files = files.into_iter();
    let (Some(input), output, None) = (files.next(), files.next(), files.next()) else {
        return Err("one INPUT and at most one OUTPUT are needed".into());
    };
    let output = match output {
        None => Output::None,
        Some(name) => match numbered(&name) {
            Some((before, digits, after)) => Output::Files(before, digits, after),
            None => Output::Animation(name),
        },
    };
    Ok(Some(Task {
        device,
        save,
        input,
        output,
    }))
}

/// Takes `a_%04d.png` apart.
fn numbered(name: &str) -> Option<(String, usize, String)> {
    let (before, rest) = name.split_once('%')?;
    let (digits, after) = rest.split_once('d')?;
    let digits = if digits.is_empty() {
        1
    } else {
        digits.parse().ok()?
    };
    Some((before.to_owned(), digits, after.to_owned()))
}

fn run(task: &Task) -> Result<(), Box<dyn Error>> {
    let device = match &*task.device {
        "auto" => Device::try_default()?,
        name => name.parse()?,
    };
    let frames = LoadOptions::new().frames(&device, &task.input)?;
    let loop_count = frames.loop_count();
    match loop_count {
        None => println!("{}, looping", frames.format()),
        Some(times) => println!("{}, played {times}x", frames.format()),
    }
    let mut animation = match &task.output {
        Output::Animation(name) => {
            let format =
                Format::from_path(name).ok_or_else(|| format!("{name}: a .gif or .webp?"))?;
            Some(task.save.animation(format)?.loop_count(loop_count))
        }
        _ => None,
    };
    for frame in frames {
        let frame = frame?;
        let (image, delay) = (frame.image(), frame.delay());
        println!(
            "{}: {}x{}, {} ms",
            frame.index(),
            image.width(),
            image.height(),
            delay.as_secs_f64() * 1e3
        );
        if let Output::Files(before, digits, after) = &task.output {
            let path = format!("{before}{:0digits$}{after}", frame.index());
            task.save.save(image, &path)?;
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
