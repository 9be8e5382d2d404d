//! Develops a picture with a kernel of this program's own: more contrast, darker corners.
//!
//! `cargo run --release -- photo.jpg out.png`

use custom_kernel_kernels::develop;
use imagecuda::{
    Device, Image,
    cust::{launch, module::Module},
};
use std::{
    error::Error,
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

/// `kernels/`, as the build script compiled it.
const PTX: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));

const USAGE: &str = "\
Usage: custom_kernel [OPTIONS] INPUT OUTPUT

Loads INPUT, gives it contrast and darker corners on the device, and saves it as
OUTPUT. One Rust function does that on a GPU and on the CPU.

Options:
      --device DEVICE   auto (default), cpu, cuda or cuda:N
      --contrast C      -1 to 1 [default: 0.5]
      --vignette V      0 to 1 [default: 0.6]
      --check           do it on the GPU and on the CPU, and compare bit for bit
  -h, --help            print this";

fn main() -> ExitCode {
    match parse(std::env::args_os().skip(1)) {
        Ok(None) => {
            say(USAGE);
            ExitCode::SUCCESS
        }
        Ok(Some(task)) => match run(&task) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(io::stderr(), "custom_kernel: {error}");
                ExitCode::FAILURE
            }
        },
        Err(problem) => {
            let _ = writeln!(io::stderr(), "custom_kernel: {problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

struct Task {
    device: String,
    contrast: f32,
    vignette: f32,
    check: bool,
    input: PathBuf,
    output: PathBuf,
}

/// The task, or `None` if help was asked for.
fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Option<Task>, String> {
    let (mut device, mut check) = ("auto".to_owned(), false);
    let (mut contrast, mut vignette) = (0.5, 0.6);
    let mut files = Vec::new();
    while let Some(arg) = args.next() {
        // A file's name may be anything; an option's is text.
        let Some(arg) = arg.to_str().filter(|text| text.starts_with('-')) else {
            files.push(PathBuf::from(&arg));
            continue;
        };
        let (name, inline) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg, None),
        };
        let mut value = || {
            let next = || args.next()?.into_string().ok();
            let value = inline.clone().or_else(next);
            value.ok_or_else(|| format!("{name} needs a value"))
        };
        match name {
            "-h" | "--help" => return Ok(None),
            "--device" => device = value()?,
            "--contrast" => contrast = number(name, &value()?, -1.0)?,
            "--vignette" => vignette = number(name, &value()?, 0.0)?,
            "--check" => check = true,
            _ => return Err(format!("there is no option {name}")),
        }
    }
    let Ok([input, output]) = <[PathBuf; 2]>::try_from(files) else {
        return Err("one INPUT and one OUTPUT are needed".into());
    };
    Ok(Some(Task {
        device,
        contrast,
        vignette,
        check,
        input,
        output,
    }))
}

/// A number from `least` to 1.
fn number(option: &str, text: &str, least: f32) -> Result<f32, String> {
    let number = text.parse().ok();
    number
        .filter(|number| (least..=1.0).contains(number))
        .ok_or_else(|| format!("{option}: {text} is not a number from {least} to 1"))
}

fn run(task: &Task) -> Result<(), Box<dyn Error>> {
    let device = match task.device.as_str() {
        // Honours IMAGECUDA_DEVICE, as the library's default.
        "auto" => Device::try_default()?,
        name => name.parse()?,
    };
    if task.check && !device.is_cuda() {
        return Err("--check compares a GPU with the CPU, and there is no GPU in use".into());
    }
    let mut image = imagecuda::LoadOptions::new().load(&device, &task.input)?;
    let mut twin = match task.check {
        true => Some(image.to_device(&Device::cpu())?),
        false => None,
    };
    device.synchronize()?;
    let time = develop_image(task, &mut image)?;
    let (width, height) = (image.width(), image.height());
    let (name, time) = (device.name(), time.as_secs_f64() * 1e3);
    say(&format!(
        "{device} ({name}), {width}x{height}: {time:.3} ms"
    ));
    if let Some(twin) = &mut twin {
        develop_image(task, twin)?;
        compare(&image.download()?, &twin.download()?)?;
        say(&format!(
            "all {width}x{height} pixels are the CPU's, bit for bit"
        ));
    }
    Ok(imagecuda::save(&image, &task.output)?)
}

/// Prints a line. Whoever does not read it gets the picture all the same: `println!` would panic.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Runs the body on every pixel, on the image's device, and says how long that took.
fn develop_image(task: &Task, image: &mut Image) -> Result<Duration, Box<dyn Error>> {
    let (contrast, vignette) = (task.contrast, task.vignette);
    let (width, height) = (image.width(), image.height());
    let device = image.device().clone();
    let (Some(stream), Some(pixels)) = (device.stream(), image.as_device_ptr()) else {
        let start = Instant::now();
        image.map_pixels(|x, y, pixel| {
            develop([x, y], [width, height], contrast, vignette, pixel)
        })?;
        return Ok(start.elapsed());
    };

    device.make_current()?;
    // `cust`'s own text of an error asks the driver for it, and panics where there is none.
    let explain = |what| move |error| format!("{what}: {error:?}");
    // A program that does this often keeps the module.
    let module = Module::from_ptx(PTX, &[]).map_err(explain("cannot load the kernels"))?;
    let kernel = module.get_function("develop_all");
    let kernel = kernel.map_err(explain("cannot find the kernel"))?;
    let blocks = (u64::from(width) * u64::from(height)).div_ceil(128);
    let blocks = u32::try_from(blocks).unwrap_or(u32::MAX).min(1 << 20);
    let start = Instant::now();
    // SAFETY: these are the kernel's parameters in its order. The image has width × height
    // pixels, and everything else that touches them is queued on the same stream.
    let launched = unsafe {
        launch!(kernel<<<blocks, 128, 0, stream>>>(pixels, width, height, contrast, vignette))
    };
    launched.map_err(explain("cannot launch the kernel"))?;
    // Before the module goes; the next call of the library would be in order without this.
    device.synchronize()?;
    Ok(start.elapsed())
}

/// Fails with the first sample whose bits differ.
fn compare(gpu: &[f32], cpu: &[f32]) -> Result<(), String> {
    let differs = |(gpu, cpu): (&f32, &f32)| gpu.to_bits() != cpu.to_bits();
    match gpu.iter().zip(cpu).position(differs) {
        None => Ok(()),
        Some(at) => Err(format!(
            "sample {at} is {:?} on the GPU and {:?} on the CPU",
            gpu[at], cpu[at]
        )),
    }
}
