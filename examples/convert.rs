//! Converts a picture: file → float32 RGBA on the device → file.
//!
//! `cargo run --release --features cuda --example convert -- photo.jpg photo.png`

#[path = "support/args.rs"]
mod args;
#[path = "convert/choices.rs"]
mod choices;
#[path = "support/say.rs"]
mod say;
#[path = "convert/standard.rs"]
mod standard;

use args::{value, value_with};
use choices::*;
use imagecuda::{
    Decoded, Device, Format, Image, LoadOptions, PackedImage, SaveOptions, inspect, inspect_bytes,
};
use say::{complain, say};
use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

const USAGE: &str = "\
Usage: convert [OPTIONS] INPUT OUTPUT
       convert --info FILE

Loads INPUT as float32 RGBA on the device and saves it as OUTPUT, in the format
that OUTPUT's name shows. Prints the device, the size, the formats, and the
milliseconds that each stage took.

As INPUT or FILE, - is standard input, and as OUTPUT standard output, which needs
--format; the line is then printed to standard error. A file of that name is ./-
and what follows -- is no option.

Options:
      --format EXT         save in the format that has this extension, whatever OUTPUT is called
      --input-format EXT   take INPUT for that, as a TGA without a name cannot be known
      --device DEVICE      auto (default), cpu, cuda or cuda:N
      --frame N            the N-th frame of an animation, or page, from 0 [default: 0]
      --quality Q          1 to 100, for AVIF, HEIF, JPEG and WebP [default: best; WebP
                           lossless]
      --background R,G,B   flatten alpha onto this colour, each 0 to 255
      --depth D            8, 16 or float, where OUTPUT's format has it
      --channels C         auto (the fewest that lose nothing), gray, gray-alpha, rgb or rgba,
                           for PNG; JPEG and TIFF have most of them
      --subsampling S      444, 422 or 420, for AVIF, HEIF and JPEG [default: 444 from
                           quality 90]
      --progressive        for JPEG
      --compression C      none, fast, balanced or small, for PNG and TIFF; lzw or
                           packbits for TIFF [default: PNG fast, TIFF none]
      --lossless           for WebP; the default unless there is a quality
      --effort E           0 to 6, for WebP
      --keep-metadata      take the ICC profile, where it still holds, and EXIF along; for
                           AVIF, HEIF, JPEG, PNG, TIFF and WebP
      --layer NAME         that layer or channel of an OpenEXR file [default: see the library's
                           LoadOptions::layer]
      --no-orientation     leave the pixels as they are stored
      --region X,Y,W,H     only the W x H pixels from column X and row Y on
      --scale S            1/2, 1/4 or 1/8 of the width and the height
      --fit W,H            not wider than W and not higher than H, at the same ratio; never enlarged
      --color C            srgb (default), keep (leave colours of an ICC profile for RGB as
                           they are; the profile comes with --keep-metadata) or raw (leave
                           all as they are stored)
      --allow-truncated    convert what there is of a damaged INPUT
      --jpeg-decoder D     auto (default), host or kernels: what decodes JPEG's Huffman
                           codes; the pixels are the same
      --png-decoder D      auto (default), host or kernels: what decodes PNG's data; the
                           pixels are the same
      --video-decoder D    auto (default), host or engine: what decodes HEIC, AVIF and lossy
                           WebP; the pixels are the same
      --jpeg-encoder E     auto (default), host or kernels: what encodes JPEG; the bytes are
                           the same
      --png-encoder E      auto (default), host or kernels: what encodes PNG with the default
                           compression; the bytes are the same
      --optimize-huffman   make a JPEG's tables for the picture
      --restart-interval N MCUs between a JPEG's restart markers
      --info               print what FILE is, without decoding it
  -h, --help               print this

Exit status: 0; 1 if it failed, or the line could not be printed, unless its reader
had gone; 2 if it cannot be done as asked.";

fn main() -> ExitCode {
    say::ended("convert", start())
}

fn start() -> ExitCode {
    match parse(lexopt::Parser::from_env()) {
        Ok(None) => {
            say!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Some(command)) => match run(&command) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain!("convert: {error}");
                ExitCode::FAILURE
            }
        },
        Err(problem) => {
            complain!("convert: {problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

struct Task {
    device: String,
    load: LoadOptions,
    frame: usize,
    save: SaveOptions,
    keep_metadata: bool,
    input: PathBuf,
    output: PathBuf,
    /// What OUTPUT is to be, if that is not by its name.
    extension: Option<String>,
}

enum Command {
    Convert(Box<Task>),
    Info(PathBuf),
}

fn run(command: &Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Convert(task) => convert(task),
        Command::Info(file) => info(file),
    }
}

/// The command, or `None` if help was asked for.
fn parse(mut args: lexopt::Parser) -> Result<Option<Command>, Box<dyn Error>> {
    use lexopt::prelude::*;
    let mut device = "auto".to_owned();
    let (mut info, mut keep_metadata, mut frame) = (false, false, 0);
    let mut extension = None;
    let (mut load, mut save) = (LoadOptions::new(), SaveOptions::new());
    let mut files = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(None),
            Value(file) => files.push(PathBuf::from(file)),
            Long("device") => device = value(&mut args, "device")?,
            Long("frame") => frame = value(&mut args, "frame")?,
            Long("info") => info = true,
            Long("keep-metadata") => keep_metadata = true,
            Long("format") => {
                let name: String = value(&mut args, "format")?;
                let name = name.trim_start_matches('.');
                let known = Format::from_extension(name).filter(|format| format.can_save());
                save = save.format(known.ok_or_else(|| format!("--format: cannot save {name}"))?);
                extension = Some(name.to_owned());
            }

            Long("input-format") => {
                load = load.format(value_with(&mut args, "input-format", known_format)?)
            }
            Long("layer") => load = load.layer(value::<String>(&mut args, "layer")?),
            Long("no-orientation") => load = load.apply_orientation(false),
            Long("region") => {
                let [x, y, width, height] = value_with(&mut args, "region", numbers)?;
                load = load.region(x, y, width, height);
            }
            Long("scale") => load = load.scale(choice(&mut args, "scale", &SCALES)?),
            Long("fit") => {
                let [width, height] = value_with(&mut args, "fit", numbers)?;
                load = load.fit(width, height);
            }
            Long("color") => load = load.color_policy(choice(&mut args, "color", &COLOR_POLICIES)?),
            Long("allow-truncated") => load = load.allow_truncated(true),
            Long("jpeg-decoder") => {
                load = load.jpeg_decoder(choice(&mut args, "jpeg-decoder", &JPEG_DECODERS)?)
            }
            Long("png-decoder") => {
                load = load.png_decoder(choice(&mut args, "png-decoder", &PNG_DECODERS)?)
            }
            Long("video-decoder") => {
                load = load.video_decoder(choice(&mut args, "video-decoder", &VIDEO_DECODERS)?)
            }

            Long("quality") => save = save.quality(value(&mut args, "quality")?),
            Long("background") => {
                save = save.background(value_with(&mut args, "background", color)?)
            }
            Long("depth") => save = save.depth(choice(&mut args, "depth", &DEPTHS)?),
            Long("channels") => save = save.channels(choice(&mut args, "channels", &CHANNELS)?),
            Long("subsampling") => {
                save = save.subsampling(choice(&mut args, "subsampling", &SUBSAMPLINGS)?)
            }
            Long("progressive") => save = save.progressive(true),
            Long("compression") => {
                save = save.compression(choice(&mut args, "compression", &COMPRESSIONS)?)
            }
            Long("lossless") => save = save.lossless(true),
            Long("effort") => save = save.effort(value(&mut args, "effort")?),
            Long("jpeg-encoder") => {
                save = save.jpeg_encoder(choice(&mut args, "jpeg-encoder", &JPEG_ENCODERS)?)
            }
            Long("png-encoder") => {
                save = save.png_encoder(choice(&mut args, "png-encoder", &PNG_ENCODERS)?)
            }
            Long("optimize-huffman") => save = save.optimize_huffman(true),
            Long("restart-interval") => {
                save = save.restart_interval(value(&mut args, "restart-interval")?)
            }
            _ => return Err(arg.unexpected().into()),
        }
    }
    if info {
        let Ok([file]) = <[PathBuf; 1]>::try_from(files) else {
            return Err("--info takes one FILE".into());
        };
        return Ok(Some(Command::Info(file)));
    }
    let Ok([input, output]) = <[PathBuf; 2]>::try_from(files) else {
        return Err("one INPUT and one OUTPUT are needed".into());
    };
    if standard::is_dash(&output) && extension.is_none() {
        return Err("standard output has no name that shows a format: --format is needed".into());
    }
    Ok(Some(Command::Convert(Box::new(Task {
        device,
        load,
        frame,
        save,
        keep_metadata,
        input,
        output,
        extension,
    }))))
}

/// Reads the picture that was asked for.
fn read(task: &Task, device: &Device) -> Result<Decoded, Box<dyn Error>> {
    let from_standard = standard::is_dash(&task.input);
    let name = |error: imagecuda::Error| match from_standard {
        true => format!("standard input: {error}"),
        false => error.to_string(),
    };
    if task.frame == 0 {
        let read = match from_standard {
            true => task.load.open_bytes(device, &standard::read()?),
            false => task.load.open(device, &task.input),
        };
        return Ok(read.map_err(name)?);
    }
    let frames = match from_standard {
        true => task.load.frames_bytes(device, standard::read()?),
        false => task.load.frames(device, &task.input),
    };
    let mut frames = frames.map_err(name)?;
    let there = frames.skip_frames(task.frame).map_err(name)?.len();
    match frames.open_next().map_err(name)? {
        Some((decoded, _)) => Ok(decoded),
        None => {
            let (input, frame) = (task.input.display(), task.frame);
            Err(format!("{input}: no frame {frame}, there are {there} frames").into())
        }
    }
}

fn convert(task: &Task) -> Result<(), Box<dyn Error>> {
    let device = open(&task.device)?;

    let start = Instant::now();
    let decoded = read(task, &device)?;
    let decode = start.elapsed();
    let format_in = decoded.format();
    let truncated = match decoded.is_truncated() {
        true => " (truncated)",
        false => "",
    };
    let mut save = task.save.clone();
    if task.keep_metadata {
        save = save.metadata(decoded.metadata().clone());
    }

    let start = Instant::now();
    let image = decoded.into_image()?;
    device.synchronize()?;
    let upload = start.elapsed();

    let start = Instant::now();
    let packed = prepare(task, &save, &image)?;
    let download = start.elapsed();

    let start = Instant::now();
    match standard::is_dash(&task.output) {
        true => standard::write(&packed.encode()?)?,
        false => packed.save(&task.output)?,
    }
    let encode = start.elapsed();

    let line = format!(
        "{device} ({}), {}x{}, {format_in}{truncated} to {}: decode {}, upload+convert {}, \
         convert+download {}, encode {}",
        device.name(),
        image.width(),
        image.height(),
        packed.format(),
        ms(decode),
        ms(upload),
        ms(download),
        ms(encode),
    );
    match standard::is_output(&task.output) {
        true => complain!("{line}"),
        false => say!("{line}"),
    }
    Ok(())
}

/// The pixels as OUTPUT wants them.
fn prepare(task: &Task, save: &SaveOptions, image: &Image) -> Result<PackedImage, Box<dyn Error>> {
    let Some(extension) = &task.extension else {
        return Ok(save.pack(image, &task.output)?);
    };
    // A name of that extension: it tells .pam from .ppm as well.
    let packed = save.pack(image, Path::new("-").with_extension(extension));
    Ok(packed.map_err(|error| format!("{}: {}", task.output.display(), error.kind()))?)
}

fn info(file: &Path) -> Result<(), Box<dyn Error>> {
    let info = match standard::is_dash(file) {
        true => inspect_bytes(&standard::read()?).map_err(|e| format!("standard input: {e}"))?,
        false => inspect(file)?,
    };
    let kind = match info.channels() {
        1 => "gray",
        2 => "gray+alpha",
        3 => "RGB",
        _ if info.layout().is_cmyk() => "CMYK",
        _ => "RGBA",
    };
    let light = if info.is_linear() {
        " of linear light"
    } else {
        ""
    };
    say!("{}x{} {}", info.width(), info.height(), info.format());
    say!("pixels: {kind}, {} bits a sample{light}", info.depth());
    say!("frames: {}", info.frame_count());
    say!("orientation: {}", info.orientation() as u32);
    let bytes = |data: Option<&[u8]>| data.map_or("none".into(), |d| format!("{} bytes", d.len()));
    say!("ICC profile: {}", bytes(info.icc_profile()));
    say!("EXIF: {}", bytes(info.exif()));
    Ok(())
}

/// The device that was asked for. `auto` honours `IMAGECUDA_DEVICE`, as the library's default.
fn open(name: &str) -> imagecuda::Result<Device> {
    match name {
        "auto" => Device::try_default(),
        name => name.parse(),
    }
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
