//! What the process holds: memory, of the host and of the device, files and threads.

use imagecuda::Device;
use std::{
    fmt, fs,
    io::{self, Write},
    path::Path,
    time::Instant,
};

/// What may come on top of the beginning's: which pictures threads hold at once is chance.
const TOLERANCE: f64 = 1.05;

/// And that much, in MiB, buffers, files or threads.
const SLACK: [f64; COLUMNS] = [64.0, 64.0, 4.0, 4.0, 4.0];

const COLUMNS: usize = 5;

const NAMES: [&str; COLUMNS] = [
    "resident MiB",
    "device MiB",
    "transfer buffers made",
    "open files",
    "threads",
];

/// What there is at some time.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    seconds: f64,
    operations: u64,
    columns: [f64; COLUMNS],
}

impl Reading {
    pub(crate) fn new(start: Instant, operations: u64, device: &Device) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let word = line.and_then(|line| line.split_whitespace().next());
            word.and_then(|word| word.parse().ok()).unwrap_or(0.0)
        };
        let files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        Self {
            seconds: start.elapsed().as_secs_f64(),
            operations,
            columns: [
                number("VmRSS:") / 1024.0,
                device_memory(device),
                device.transfer_buffers() as f64,
                files as f64,
                number("Threads:"),
            ],
        }
    }
}

/// What is in use of the device's memory, in MiB.
#[cfg(feature = "cuda")]
fn device_memory(device: &Device) -> f64 {
    if !device.is_cuda() || device.make_current().is_err() {
        return 0.0;
    }
    cust::memory::mem_get_info().map_or(0.0, |(free, all)| (all - free) as f64 / 1048576.0)
}

#[cfg(not(feature = "cuda"))]
fn device_memory(_: &Device) -> f64 {
    0.0
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:6.0} s {:9} operations", self.seconds, self.operations)?;
        for (name, value) in NAMES.iter().zip(self.columns) {
            write!(f, ", {value:.0} {name}")?;
        }
        Ok(())
    }
}

/// What is larger at the end than it was once all was warm: the median of the last fifth of the
/// time beside that of the second. Not the greatest, of which chance has more to say.
pub(crate) fn growth(readings: &[Reading]) -> Vec<String> {
    let fifth = readings.len() / 5;
    if fifth == 0 {
        return vec!["too short to tell of growth".to_owned()];
    }
    let median = |readings: &[Reading], column: usize| {
        let mut values: Vec<_> = readings.iter().map(|one| one.columns[column]).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let (early, late) = (&readings[fifth..2 * fifth], &readings[4 * fifth..]);
    (0..COLUMNS)
        .filter_map(|column| {
            let (before, after) = (median(early, column), median(late, column));
            println!("{}: {before:.0}, at the end {after:.0}", NAMES[column]);
            let grows = after > before * TOLERANCE + SLACK[column];
            grows.then(|| format!("GREW: {}, {before:.0} to {after:.0}", NAMES[column]))
        })
        .collect()
}

/// Writes all readings as comma-separated values.
pub(crate) fn write(path: &Path, readings: &[Reading]) -> io::Result<()> {
    let mut file = io::BufWriter::new(fs::File::create(path)?);
    writeln!(file, "seconds,operations,{}", NAMES.join(","))?;
    for reading in readings {
        write!(file, "{:.1},{}", reading.seconds, reading.operations)?;
        for value in reading.columns {
            write!(file, ",{value:.1}")?;
        }
        writeln!(file)?;
    }
    file.flush()
}
