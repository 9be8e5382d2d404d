//! `cargo xtask test --emulated`: tests of the GPU's code, on a GPU made of software.

use crate::{Failure, sh};
use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

const FEATURES: &str = "cuda,cudarc,dlpack,ndarray,tracing";

/// Tests of the public API: those whose names contain one of these. Together they launch every kernel,
/// and each takes seconds at most on the emulated GPU.
const PUBLIC: [&str; 0] = [];

/// Unit tests, likewise.
const UNIT: [&str; 0] = [];

/// Kernels that these tests do not launch, and why.
const NOT_LAUNCHED: [(&str, &str); 0] = [];

/// Runs the tests as they are, and with an order of warps and blocks that a seed chooses.
pub(crate) fn test() -> Result<(), Failure> {
    let emulator = build()?;
    let launched = sh::target().join("launched-kernels.txt");
    match fs::remove_file(&launched) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(sh::io(&launched)(error));
        }
        _ => {}
    }
    for (target, filters) in [("--lib", &UNIT[..]), ("--test=all", &PUBLIC[..])] {
        for filter in filters {
            run(&emulator, &launched, target, filter)?;
        }
    }
    check(&launched)
}

/// Builds the emulator, and says where it is.
fn build() -> Result<PathBuf, Failure> {
    sh::run(sh::cargo().args(["build", "--package", "cuda-emulator"]))?;
    let (prefix, suffix) = (env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let library = format!("{prefix}cuda_emulator{suffix}");
    Ok(sh::target().join("debug").join(library))
}

fn run(emulator: &Path, launched: &Path, target: &str, filter: &str) -> Result<(), Failure> {
    let mut cargo = sh::cargo();
    cargo.args(["test", "--quiet", "--package", "imagecuda", "--features", FEATURES]);
    cargo.args([target, "--", filter]);
    cargo
        .env("IMAGECUDA_TEST_DEVICE", "cuda")
        .env("CUDA_DELAY_LOAD_PATH", emulator)
        .env("CUDA_EMULATOR_LAUNCHED", launched);
    sh::run(&mut cargo)
}

/// Checks that every kernel was launched, or is named in [`NOT_LAUNCHED`].
fn check(launched: &Path) -> Result<(), Failure> {
    let ptx = sh::root().join("crates/imagecuda/src/device/cuda/kernels.ptx");
    let ptx = fs::read_to_string(&ptx).map_err(sh::io(&ptx))?;
    let launched = fs::read_to_string(launched).map_err(sh::io(launched))?;
    let missing = missing(&ptx, &launched);
    let known: BTreeSet<&str> = NOT_LAUNCHED.iter().map(|(name, _)| *name).collect();
    if let Some(name) = missing.difference(&known).next() {
        return Err(format!(
            "no test launched `{name}`; add one to the list in xtask/src/emulated.rs"
        ));
    }
    if let Some(name) = known.difference(&missing).next() {
        return Err(format!(
            "`{name}` was launched, or is no kernel; take it out of NOT_LAUNCHED"
        ));
    }
    for (name, why) in NOT_LAUNCHED {
        say!("{name} was not launched: {why}");
    }
    Ok(())
}

/// The entries of the PTX that are not among the lines of `launched`.
fn missing<'a>(ptx: &'a str, launched: &str) -> BTreeSet<&'a str> {
    let launched: BTreeSet<&str> = launched.lines().collect();
    let entries = ptx
        .lines()
        .filter_map(|line| line.strip_prefix(".visible .entry "));
    let names = entries.map(|rest| rest.split('(').next().unwrap_or(rest));
    names.filter(|name| !launched.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_that_were_not_launched_are_named() {
        let ptx = ".visible .entry a(\n)\n{\n}\n.visible .entry b(\n)\n.func c(\n";
        assert_eq!(missing(ptx, "a\na\n"), BTreeSet::from(["b"]));
        assert_eq!(missing(ptx, "a\nb\n"), BTreeSet::new());
    }
}
