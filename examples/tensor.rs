//! A folder of pictures as batches of a tensor: what a training loop gets, and how many pictures a second.
//!
//! `cargo run --release --features cuda --example tensor -- photos --size 224x224`

#[path = "support/args.rs"]
mod args;
#[path = "support/say.rs"]
mod say;
#[path = "support/size.rs"]
mod size;

use args::{value, value_with};
use imagecuda::{Device, Format, TensorElement, TensorFit, TensorOptions, batch::Loader};
use say::{complain, say};
use size::size;
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

const USAGE: &str = "\
Usage: tensor [OPTIONS] FOLDER

Loads all pictures of FOLDER to batches of a tensor: channels first, float16, normalised with the mean
and the standard deviation of ImageNet. Tells how many pictures a second that are.

Options:
      --device DEVICE      auto (default), cpu, cuda or cuda:N
      --size WxH           the size of each picture [default: 224x224]
      --fit FIT            stretch, cover or contain [default: cover]
      --batch N            pictures of a batch [default: 256]
      --threads N          threads that decode [default: one per core]
      --plain              only decode: no tensors, for comparison
  -h, --help               print this";

fn main() -> ExitCode {
    say::ended("tensor", start())
}

fn start() -> ExitCode {
    match parse(lexopt::Parser::from_env()) {
        Ok(None) => say!("{USAGE}"),
        Ok(Some(task)) => {
            if let Err(error) = run(&task) {
                complain!("tensor: {error}");
                return ExitCode::FAILURE;
            }
        }
        Err(problem) => {
            complain!("tensor: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

struct Task {
    device: Option<String>,
    size: (u32, u32),
    fit: TensorFit,
    batch: usize,
    threads: Option<usize>,
    plain: bool,
    folder: PathBuf,
}

/// The task, or `None` if help was asked for.
fn parse(mut args: lexopt::Parser) -> Result<Option<Task>, Box<dyn Error>> {
    use lexopt::prelude::*;
    let mut task = Task {
        device: None,
        size: (224, 224),
        fit: TensorFit::Cover,
        batch: 256,
        threads: None,
        plain: false,
        folder: PathBuf::new(),
    };
    let mut folders = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(None),
            Value(folder) => folders.push(folder),
            Long("device") => task.device = Some(value(&mut args, "device")?),
            Long("size") => task.size = value_with(&mut args, "size", size)?,
            Long("fit") => task.fit = value_with(&mut args, "fit", fit)?,
            Long("batch") => task.batch = value(&mut args, "batch")?,
            Long("threads") => task.threads = Some(value(&mut args, "threads")?),
            Long("plain") => task.plain = true,
            _ => return Err(arg.unexpected().into()),
        }
    }
    let [folder] = &*folders else {
        return Err("one FOLDER is needed".into());
    };
    task.folder = folder.into();
    Ok(Some(task))
}

fn fit(text: &str) -> Result<TensorFit, String> {
    match text {
        "stretch" => Ok(TensorFit::Stretch),
        "cover" => Ok(TensorFit::Cover),
        "contain" => Ok(TensorFit::Contain([0.5, 0.5, 0.5, 1.0])),
        _ => Err(format!("{text} is not stretch, cover or contain")),
    }
}

/// The pictures of a folder, by their names, in order.
fn pictures(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if Format::from_path(&path).is_some_and(Format::can_load) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn run(task: &Task) -> Result<(), Box<dyn Error>> {
    let device = match task.device.as_deref() {
        None | Some("auto") => Device::try_default()?,
        Some(name) => name.parse()?,
    };
    let files = pictures(&task.folder)?;
    let mut loader = Loader::new(&device);
    if let Some(threads) = task.threads {
        loader = loader.threads(threads);
    }
    let start = Instant::now();
    let (mut loaded, mut failed, mut shape) = (0, 0, None);
    let mut tell = |error: imagecuda::Error| {
        complain!("{error}");
        failed += 1;
    };
    if task.plain {
        for (_, image) in loader.load(files) {
            match image {
                Ok(_) => loaded += 1,
                Err(error) => tell(error),
            }
        }
    } else {
        let options = TensorOptions::new()
            .element(TensorElement::F16)
            .size(task.size.0, task.size.1)
            .fit(task.fit)
            .mean([0.485, 0.456, 0.406])
            .std([0.229, 0.224, 0.225]);
        for batch in loader.tensors(files, &options, task.batch).skip_failures() {
            let batch = batch?;
            // Here a model would have `batch.tensor()`: `into_dlpack` hands it to PyTorch.
            loaded += batch.tensor().shape()[0];
            shape = shape.or(Some(batch.tensor().shape()));
            for (file, result) in batch.results() {
                if let Err(error) = result {
                    complain!("{}: {error}", file.display());
                    failed += 1;
                }
            }
        }
    }
    device.synchronize()?;
    let rate = loaded as f64 / start.elapsed().as_secs_f64();
    match shape {
        Some(shape) => {
            say!("{loaded} pictures in batches of {shape:?} on {device}, {rate:.1} a second")
        }
        None => say!("{loaded} pictures on {device}, {rate:.1} a second"),
    }
    match failed {
        0 => Ok(()),
        failed => Err(format!("{failed} of the files are no pictures").into()),
    }
}
