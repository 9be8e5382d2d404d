//! All pictures of a folder on one sheet, with their names, and why those that are missing are.
//!
//! `cargo run --release -p imagecuda --features cuda --example contact_sheet -- photos sheet.png`

#[path = "support/args.rs"]
mod args;
#[path = "contact_sheet/canvas.rs"]
mod canvas;
#[path = "contact_sheet/font.rs"]
mod font;
#[path = "support/pictures.rs"]
mod pictures;
#[path = "support/say.rs"]
mod say;
#[path = "contact_sheet/sheet.rs"]
mod sheet;
#[path = "contact_sheet/thumbnail.rs"]
mod thumbnail;

use args::value;
use imagecuda::{Device, Format, Image, Layout, batch::Loader};
use indicatif::{ProgressBar, ProgressStyle};
use say::{complain, say};
use sheet::Sheet;
use std::{
    error::Error,
    fs::File,
    io::Read,
    num::NonZero,
    path::{self, Path, PathBuf},
    process::ExitCode,
    thread,
};
use thumbnail::Thumbnail;

const USAGE: &str = "\
Usage: contact_sheet [OPTIONS] FOLDER OUTPUT

Loads every picture of FOLDER as float32 RGBA on the device and saves them all, small
and sorted by name, on one sheet: OUTPUT, in the format that its name shows. Of
animations and documents, the first frame or page. Transparent ones lie over a
checkerboard, and small ones are enlarged by a whole number at most. A picture that
does not load is a cell with the cause.

Options:
      --device DEVICE      auto (default), cpu, cuda or cuda:N
      --threads N          to decode [default: one a core]
      --columns N          cells side by side [default: what makes the sheet about 4:3]
      --size PX            the width and height of a picture at most, 32 to 4096
                           [default: 256]
      --recursive          the folders in FOLDER as well
  -h, --help               print this

Exit status: 0; 1 if a picture failed; 2 if it cannot be done as asked.";

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
    say::ended("contact_sheet", start())
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
            complain!("contact_sheet: {error}");
            ExitCode::FAILURE
        }
        Err(Problem::Usage(problem)) => {
            complain!("contact_sheet: {problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

struct Task {
    device: String,
    threads: usize,
    columns: Option<usize>,
    size: usize,
    recursive: bool,
    folder: PathBuf,
    output: PathBuf,
}

/// The task, or `None` if help was asked for.
fn parse(mut args: lexopt::Parser) -> Result<Option<Task>, Box<dyn Error>> {
    use lexopt::prelude::*;
    let mut task = Task {
        device: "auto".into(),
        threads: thread::available_parallelism().map_or(1, |cores| cores.get()),
        columns: None,
        size: 256,
        recursive: false,
        folder: PathBuf::new(),
        output: PathBuf::new(),
    };
    let mut paths = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(None),
            Value(path) => paths.push(PathBuf::from(path)),
            Long("device") => task.device = value(&mut args, "device")?,
            Long("threads") => task.threads = value::<NonZero<_>>(&mut args, "threads")?.get(),
            Long("columns") => {
                task.columns = Some(value::<NonZero<_>>(&mut args, "columns")?.get())
            }
            Long("size") => task.size = value(&mut args, "size")?,
            Long("recursive") => task.recursive = true,
            _ => return Err(arg.unexpected().into()),
        }
    }
    if !(32..=4096).contains(&task.size) {
        return Err(format!("--size: {} is not 32 to 4096", task.size).into());
    }
    let paths = <[PathBuf; 2]>::try_from(paths);
    [task.folder, task.output] = paths.map_err(|_| "one FOLDER and one OUTPUT are needed")?;
    Ok(Some(task))
}

fn run(task: &Task) -> Result<ExitCode, Problem> {
    let (names, left_out) = names(task)?;
    let device = open(&task.device)?;
    let total = names.len();
    say!("{total} pictures on {device}");
    if let Some(left_out) = left_out {
        say!("{left_out}");
    }
    let lines = if task.recursive { 3 } else { 2 };
    let mut sheet = Sheet::new(total, task.columns, task.size, lines)?;

    let bar = "{wide_bar} {pos}/{len} pictures, {eta} left{msg}";
    let style = ProgressStyle::with_template(bar).expect("a template that is right");
    // Shows on a terminal, and only there.
    let bar = ProgressBar::new(total as u64).with_style(style);
    let sources: Vec<PathBuf> = names.iter().map(|name| task.folder.join(name)).collect();
    let images = Loader::new(&device).threads(task.threads).load(sources);
    let mut failures = Vec::new();
    let mut samples = Vec::new();
    for (index, (path, image)) in images.enumerate() {
        let mut caption = vec![text(path.file_name())];
        match image {
            Ok(image) => {
                caption.push(details(&image, &path));
                caption.extend(inner(&names[index]));
                let thumbnail = thumbnail(&image, &mut samples, task.size)?;
                sheet.picture(index, &thumbnail, &caption);
            }
            Err(error) => {
                let format = error.format().map(|format| format!(", {format}"));
                caption.push(format!("failed{}", format.unwrap_or_default()));
                caption.extend(inner(&names[index]));
                sheet.failure(index, &error.kind().to_string(), &caption);
                failures.push(error);
                bar.set_message(format!(", {} failed", failures.len()));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    for failure in &failures {
        complain!("contact_sheet: {failure}");
    }

    let canvas = sheet.canvas();
    let (width, height) = (canvas.width().try_into()?, canvas.height().try_into()?);
    let image = Image::from_pixels(&device, width, height, Layout::Rgb8, canvas.bytes())?;
    imagecuda::save(&image, &task.output)?;
    say!(
        "saved {}: {width}x{height}, {} of {total} pictures, {} failed",
        task.output.display(),
        total - failures.len(),
        failures.len(),
    );
    Ok(match failures.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// The pictures of the folder, relative to it. Those that this build cannot read are among them,
/// so that they are seen to be missing. And a line about other files, if there are any.
fn names(task: &Task) -> Result<(Vec<PathBuf>, Option<String>), Problem> {
    let output = task.output.display();
    if !Format::from_path(&task.output).is_some_and(Format::can_save) {
        return Err(Problem::Usage(format!("cannot save {output}")));
    }
    let found = pictures::list(&task.folder, task.recursive, None, |_| true)?;
    let left_out = found.left_out();
    let names = found.pictures;
    if names.is_empty() {
        let folder = task.folder.display();
        return Err(format!("{folder}: there are no pictures here").into());
    }
    let whole = |path: &Path| path.canonicalize().or_else(|_| path::absolute(path));
    let (folder, target) = (whole(&task.folder)?, whole(&task.output)?);
    if names.iter().any(|name| folder.join(name) == target) {
        let problem = format!("{output} is a picture of the folder and would be replaced");
        return Err(Problem::Usage(problem));
    }
    Ok((names, left_out))
}

/// The device that was asked for. `auto` honours `IMAGECUDA_DEVICE`, as the library's default.
fn open(name: &str) -> imagecuda::Result<Device> {
    match name {
        "auto" => Device::try_default(),
        name => name.parse(),
    }
}

/// The picture, small. `samples` is room for those of the whole one, for every picture the same.
fn thumbnail(image: &Image, samples: &mut Vec<f32>, size: usize) -> imagecuda::Result<Thumbnail> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    samples.resize(width * height * 4, 0.0);
    image.download_into(samples)?;
    Ok(Thumbnail::new(samples, width, height, size))
}

/// Size and format. What the file is, whatever its name says.
fn details(image: &Image, path: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(512).read_to_end(&mut bytes));
    let sniffed = read.ok().and_then(|_| Format::sniff(&bytes));
    let format = sniffed.or_else(|| Format::from_path(path));
    let format = format.map(|format| format!(" {format}"));
    let (width, height) = (image.width(), image.height());
    format!("{width}x{height}{}", format.unwrap_or_default())
}

/// The folder in the folder that a picture is in.
fn inner(name: &Path) -> Option<String> {
    let folder = text(name.parent());
    (!folder.is_empty()).then_some(folder)
}

fn text(name: Option<impl AsRef<std::ffi::OsStr>>) -> String {
    name.map_or(String::new(), |name| {
        name.as_ref().to_string_lossy().into_owned()
    })
}
