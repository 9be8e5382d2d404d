//! A picture through the `image` crate, this one and ndarray: each does what it is good at.
//!
//! `cargo run --release -p imagecuda --features cuda,ndarray --example interop -- photo.jpg out.png`

#[path = "support/say.rs"]
mod say;

use image::imageops::{self, FilterType};
use imagecuda::{Device, Image, load};
use ndarray::s;
use say::{complain, say};
use std::{env, error::Error, ffi::OsString, path::Path, process::ExitCode};

const USAGE: &str = "\
Usage: interop INPUT OUTPUT

Loads INPUT to the default device, takes it as an array of (height, width, 4) and
mirrors its left half, brings that back, and shrinks it with the image crate to at
most 640 pixels, which are saved as OUTPUT.

  -h, --help    print this";

fn main() -> ExitCode {
    say::ended("interop", start())
}

fn start() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    match &args[..] {
        [flag] if flag == "-h" || flag == "--help" => say!("{USAGE}"),
        [input, output] => {
            if let Err(error) = run(input.as_ref(), output.as_ref()) {
                complain!("interop: {error}");
                return ExitCode::FAILURE;
            }
        }
        _ => {
            complain!("interop: one INPUT and one OUTPUT are needed\n\n{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn run(input: &Path, output: &Path) -> Result<(), Box<dyn Error>> {
    let device = Device::try_default()?;
    let image = load(input)?; // float32 RGBA on the device

    // ndarray: views that are turned, cut and strided go back as they look.
    let mut array = image.to_array()?;
    let half = array.shape()[1] / 2;
    let left = array.slice(s![.., ..half, ..]).to_owned();
    let mut right = array.slice_mut(s![.., -(half as isize).., ..]);
    right.assign(&left.slice(s![.., ..;-1, ..]));
    let mirrored = Image::from_array(&device, &array)?;

    // The image crate: 8-bit pixels come down, 8-bit pixels go up.
    let picture = mirrored.to_rgba_image()?;
    let scale = 640.0 / f64::from(picture.width().max(picture.height()).max(640));
    let side = |length: u32| (f64::from(length) * scale).round().max(1.0) as u32;
    let (width, height) = (side(picture.width()), side(picture.height()));
    let small = imageops::resize(&picture, width, height, FilterType::Triangle);

    imagecuda::save(&Image::from_image(&device, &small)?, output)?;
    say!("{width}x{height}, by way of {device} ({})", device.name());
    Ok(())
}
