//! What each kernel takes, by Nsight Compute, and the memory it moves.

use imagecuda::{Device, JpegDecoder, LoadOptions, Result};
use std::{collections::BTreeMap, env, fs, path::Path, process::Command};

/// The argument of the program that is measured.
pub(crate) const CHILD: &str = "--load-for-phases";

/// How often the file is loaded.
const LOADS: usize = 12;

/// Bytes that a kernel moves, by those of the file and the pixels of the picture.
type Moved = fn(f64, f64) -> f64;

/// The kernels in their order, and the least that each has to move. Pictures are taken for 4:2:0,
/// of which a pixel has one sample and a half.
const KERNELS: [(&str, Moved); 5] = [
    ("jpeg_synchronize", |file, _| file),
    ("jpeg_write", |file, pixels| file + 3.0 * pixels),
    ("jpeg_carry", |_, _| 0.0),
    ("jpeg_inverse", |_, pixels| 3.0 * pixels + 1.5 * pixels),
    ("jpeg_to_f32", |_, pixels| 1.5 * pixels + 16.0 * pixels),
];

/// Loads a file a few times.
pub(crate) fn run(file: Option<String>) -> Result<()> {
    let file = file.unwrap_or_default();
    let device = Device::try_default()?;
    let options = LoadOptions::new().jpeg_decoder(JpegDecoder::Kernels);
    for _ in 0..LOADS {
        options.load(&device, &file)?;
    }
    device.synchronize()
}

/// Prints a line for each kernel; nothing where there is no `ncu`.
pub(crate) fn print(file: &Path) {
    let Ok(program) = env::current_exe() else {
        return;
    };
    let output = Command::new("ncu")
        .args(["--csv", "--clock-control", "none"])
        .args(["--metrics", "gpu__time_duration.sum"])
        .arg(program)
        .arg(CHILD)
        .arg(file)
        .output();
    let Ok(output) = output else {
        println!("  (no ncu, so no phases of the device)");
        return;
    };
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let text = String::from_utf8_lossy(&output.stdout);
    for line in text.lines() {
        let fields: Vec<&str> = line.split("\",\"").collect();
        let kernel = KERNELS
            .iter()
            .find(|kernel| fields.iter().any(|field| field.starts_with(kernel.0)));
        let time = fields
            .last()
            .and_then(|last| last.trim_matches('"').replace(',', "").parse::<f64>().ok());
        if let (Some(kernel), Some(nanoseconds)) = (kernel, time) {
            times.entry(kernel.0).or_default().push(nanoseconds);
        }
    }
    let bytes = fs::metadata(file).map_or(0, |file| file.len()) as f64;
    let pixels = imagecuda::ImageInfo::read(file).map_or(0.0, |info| {
        f64::from(info.width()) * f64::from(info.height())
    });
    for (kernel, moved) in KERNELS {
        let Some(times) = times.get_mut(kernel) else {
            continue;
        };
        times.sort_by(f64::total_cmp);
        let time = times[times.len() / 2];
        let moved = moved(bytes, pixels);
        println!(
            "    {kernel:<20} {:8.1} us {:8.1} MB {:8.0} GB/s",
            time / 1e3,
            moved / 1e6,
            moved / time
        );
    }
}
