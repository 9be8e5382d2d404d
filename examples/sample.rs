//! Paints the project's sample picture.
//!
//! `cargo run --release --example sample -- 1600x1067 examples/data/sample.jpg`

#[path = "support/scene.rs"]
mod scene;

use imagecuda::{Device, ImageU8, Layout, SaveOptions};
use std::{error::Error, process::ExitCode};

const USAGE: &str = "\
Usage: sample WIDTHxHEIGHT OUTPUT

Paints a picture in the manner of a photograph and saves it; a JPEG at quality 90.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [size, output] = args.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match paint(size, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sample: {error}");
            ExitCode::FAILURE
        }
    }
}

fn paint(size: &str, output: &str) -> Result<(), Box<dyn Error>> {
    let (width, height) = size.split_once('x').ok_or("the size is WIDTHxHEIGHT")?;
    let (width, height) = (width.parse()?, height.parse()?);
    let rgb = scene::render(width, height);
    let image = ImageU8::from_pixels(&Device::default(), width, height, Layout::Rgb8, &rgb)?;
    let options = match output.ends_with(".jpg") || output.ends_with(".jpeg") {
        true => SaveOptions::new().quality(90),
        false => SaveOptions::new(),
    };
    Ok(options.save_u8(&image, output)?)
}
