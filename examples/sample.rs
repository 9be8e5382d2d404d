//! Paints the project's sample picture.
//!
//! `cargo run --release --example sample -- 1600x1067 examples/data/sample.jpg`

#[path = "support/say.rs"]
mod say;
#[path = "support/scene.rs"]
mod scene;

use imagecuda::{Device, Format, ImageU8, Layout, SaveOptions};
use say::{complain, say};
use std::{error::Error, ffi::OsString, path::Path, process::ExitCode};

const USAGE: &str = "\
Usage: sample WIDTHxHEIGHT OUTPUT

Paints a picture in the manner of a photograph and saves it; a JPEG at quality 90.

  -h, --help    print this";

/// The most pixels, which are as many as the library loads by default.
const MOST: u64 = 1 << 28;

fn main() -> ExitCode {
    say::ended("sample", start())
}

fn start() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (size, output) = match args.as_slice() {
        [flag] if flag == "-h" || flag == "--help" => {
            say!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        [size, output] => (size.to_string_lossy(), Path::new(output)),
        _ => {
            complain!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match paint(&size, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain!("sample: {error}");
            ExitCode::FAILURE
        }
    }
}

fn paint(size: &str, output: &Path) -> Result<(), Box<dyn Error>> {
    let sides = size.split_once('x');
    let sides = sides.and_then(|(w, h)| Some((w.parse::<u32>().ok()?, h.parse::<u32>().ok()?)));
    let (width, height) = sides.ok_or_else(|| format!("{size}: the size is WIDTHxHEIGHT"))?;
    if u64::from(width) * u64::from(height) > MOST {
        return Err(format!("{size}: at most {MOST} pixels can be painted").into());
    }
    let rgb = scene::render(width, height);
    let image = ImageU8::from_pixels(&Device::default(), width, height, Layout::Rgb8, &rgb)?;
    let options = match Format::from_path(output) {
        Some(Format::Jpeg) => SaveOptions::new().quality(90),
        _ => SaveOptions::new(),
    };
    Ok(options.save_u8(&image, output)?)
}
