//! Bandwidth of every kernel and transfer as a share of what the machine can do, and the
//! stages of loading and saving, all in one run.
//!
//! `cargo bench -p imagecuda --features cuda --bench gpu`; with `-- tensors`, only resized pictures and
//! tensors; with `-- batches [--small FOLDER] [--large FOLDER]`, only batches of them. Without a GPU the CPU's stages alone are measured, and it says so.

#[path = "../examples/support/scene.rs"]
mod scene;

#[path = "gpu/stages.rs"]
mod stages;

#[cfg(feature = "cuda")]
#[path = "gpu/batches.rs"]
mod batches;
#[cfg(feature = "cuda")]
#[path = "gpu/kernels.rs"]
mod kernels;
#[cfg(feature = "cuda")]
#[path = "gpu/tensors.rs"]
mod tensors;

use imagecuda::{Device, Result};
use std::time::Instant;

fn main() -> Result<()> {
    // Cargo adds `--bench`.
    let args: Vec<String> = std::env::args().collect();
    let is_given = |name: &str| args.iter().any(|arg| arg == name);
    let (only_tensors, only_batches) = (is_given("tensors"), is_given("batches"));
    let cpu = Device::cpu();
    let start = Instant::now();
    match Device::cuda(0) {
        Ok(gpu) => {
            let opened = start.elapsed();
            println!("GPU: {} ({gpu}), opened in {opened:.0?}", gpu.name());
            #[cfg(feature = "cuda")]
            {
                let value = |name: &str| {
                    let at = args.iter().position(|arg| arg == name)?;
                    args.get(at + 1).map(String::as_str)
                };
                if !only_tensors && !only_batches {
                    kernels::run(&gpu)?;
                }
                if !only_batches {
                    tensors::run(&gpu)?;
                }
                if only_batches {
                    batches::run(&gpu, value("--small"), value("--large"))?;
                }
            }
            if only_tensors || only_batches {
                return Ok(());
            }
            stages::run(&gpu)?;
        }
        Err(error) => println!("no GPU is measured: {error}"),
    }
    stages::run(&cpu)
}

/// The median of what `sample` gives, after one that does not count.
fn median(samples: usize, mut sample: impl FnMut() -> Result<f64>) -> Result<f64> {
    sample()?;
    let mut values = (0..samples).map(|_| sample()).collect::<Result<Vec<_>>>()?;
    values.sort_by(f64::total_cmp);
    Ok(values[values.len() / 2])
}
