//! A folder of pictures as batches of candle's tensors: the mean and the standard deviation of each channel,
//! the mean picture as a file, and how many pictures a second that are.
//!
//! `cargo run --release --manifest-path examples/candle/Cargo.toml -- photos`

#[path = "../../support/args.rs"]
mod args;
mod bridge;
#[path = "../../support/pictures.rs"]
mod pictures;
#[path = "../../support/say.rs"]
mod say;
#[path = "../../support/size.rs"]
mod size;
mod statistics;
#[cfg(test)]
mod tests;

use args::{value, value_with};
use imagecuda::{Device, Format, TensorElement, TensorFit, TensorOptions, batch::Loader};
use say::{complain, say};
use size::size;
use statistics::Sums;
use std::{error::Error, path::PathBuf, process::ExitCode, time::Instant};

const USAGE: &str = "\
Usage: candle [OPTIONS] FOLDER

Loads all pictures of FOLDER to batches of candle's tensors, channels first. Prints the mean and the
standard deviation of each channel, and how many pictures a second that are.

Options:
      --device DEVICE      auto (default), cpu, cuda or cuda:N
      --size WxH           the size of each picture [default: 224x224]
      --batch N            pictures of a batch [default: 64]
      --element ELEMENT    f16, bf16 or f32 [default: f32]
      --mean-picture FILE  saves the mean of all pictures
  -h, --help               print this";

fn main() -> ExitCode {
    say::ended("candle", start())
}

fn start() -> ExitCode {
    match parse(lexopt::Parser::from_env()) {
        Ok(None) => say!("{USAGE}"),
        Ok(Some(task)) => {
            if let Err(error) = run(&task) {
                complain!("candle: {error}");
                return ExitCode::FAILURE;
            }
        }
        Err(problem) => {
            complain!("candle: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

struct Task {
    device: Option<String>,
    size: (u32, u32),
    batch: usize,
    element: TensorElement,
    mean_picture: Option<PathBuf>,
    folder: PathBuf,
}

/// The task, or `None` if help was asked for.
fn parse(mut args: lexopt::Parser) -> Result<Option<Task>, Box<dyn Error>> {
    use lexopt::prelude::*;
    let mut task = Task {
        device: None,
        size: (224, 224),
        batch: 64,
        element: TensorElement::F32,
        mean_picture: None,
        folder: PathBuf::new(),
    };
    let mut folders = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(None),
            Value(folder) => folders.push(folder),
            Long("device") => task.device = Some(value(&mut args, "device")?),
            Long("size") => task.size = value_with(&mut args, "size", size)?,
            Long("batch") => task.batch = value(&mut args, "batch")?,
            Long("element") => task.element = value_with(&mut args, "element", element)?,
            Long("mean-picture") => task.mean_picture = Some(args.value()?.into()),
            _ => return Err(arg.unexpected().into()),
        }
    }
    let [folder] = &*folders else {
        return Err("one FOLDER is needed".into());
    };
    task.folder = folder.into();
    Ok(Some(task))
}

fn element(text: &str) -> Result<TensorElement, String> {
    match text {
        "f16" => Ok(TensorElement::F16),
        "bf16" => Ok(TensorElement::Bf16),
        "f32" => Ok(TensorElement::F32),
        _ => Err(format!("{text} is not f16, bf16 or f32")),
    }
}

fn run(task: &Task) -> Result<(), Box<dyn Error>> {
    let device = match task.device.as_deref() {
        None | Some("auto") => Device::try_default()?,
        Some(name) => name.parse()?,
    };
    let candle_device = bridge::device(&device)?;
    let found = pictures::list(&task.folder, false, None, Format::can_load)?;
    if let Some(left_out) = found.left_out() {
        complain!("{left_out}");
    }
    let files = found.pictures.iter().map(|name| task.folder.join(name));
    let files: Vec<PathBuf> = files.collect();
    let options = TensorOptions::new()
        .element(task.element)
        .size(task.size.0, task.size.1)
        .fit(TensorFit::Cover);

    let start = Instant::now();
    let mut sums = Sums::new(task.size, &candle_device)?;
    let (mut loaded, mut failed, mut shape) = (0, 0, None);
    let batches = Loader::new(&device).tensors(files, &options, task.batch);
    for batch in batches.skip_failures() {
        let batch = batch?;
        for (file, result) in batch.results() {
            if let Err(error) = result {
                complain!("{}: {error}", file.display());
                failed += 1;
            }
        }
        if batch.tensor().len() == 0 {
            continue;
        }
        // Here a model would have the tensor.
        let tensor = bridge::from_batch(batch, &candle_device)?;
        sums.add(&tensor)?;
        loaded += tensor.dim(0)?;
        shape = shape.or(Some(tensor.dims4()?));
    }
    let statistics = sums.finish()?;
    let rate = loaded as f64 / start.elapsed().as_secs_f64();
    let (Some(statistics), Some(shape)) = (statistics, shape) else {
        return Err(format!("{} has no pictures", task.folder.display()).into());
    };
    say!(
        "{loaded} pictures in batches of {shape:?} {:?} on {device}, {rate:.1} a second",
        task.element
    );
    say!("mean {:.4?}", statistics.mean);
    say!("standard deviation {:.4?}", statistics.std);
    if let Some(file) = &task.mean_picture {
        bridge::to_image(&statistics.picture, &device)?.save(file)?;
    }
    match failed {
        0 => Ok(()),
        failed => Err(format!("{failed} of the files are no pictures").into()),
    }
}
