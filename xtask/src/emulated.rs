//! `cargo xtask test --emulated`: tests of the GPU's code, on a GPU made of software.

use crate::{Failure, sh, test::ALL_FEATURES};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Tests of one program: the target's argument, what the names contain, and what is left out, as it
/// takes minutes on the emulated GPU.
struct Tests(&'static str, &'static str, &'static [&'static str]);

const PUBLIC: &str = "--test=all";
const UNIT: &str = "--lib";

/// Together they launch every kernel but those of [`NOT_LAUNCHED`].
const TESTS: &[Tests] = &[
    Tests(PUBLIC, "cuda::image::kernels", &[]),
    Tests(PUBLIC, "cuda::image::packing::deep", &[]),
    Tests(PUBLIC, "cuda::image::tensor", &[]),
    Tests(PUBLIC, "cuda::image::cudarc", &[]),
    Tests(PUBLIC, "cuda::image::dlpack", &[]),
    Tests(PUBLIC, "cuda::image::resize", &[]),
    Tests(PUBLIC, "cuda::load::exr", &[]),
    Tests(PUBLIC, "cuda::load::orientation", &["larger_than_a_tile"]),
    Tests(
        PUBLIC,
        "cuda::load::scale",
        &["jpeg_is_that_of_libjpeg_turbo"],
    ),
    Tests(PUBLIC, "cuda::color::icc::", &[]),
    Tests(PUBLIC, "cuda::color::cmyk::a_profile", &[]),
    Tests(PUBLIC, "cuda::load::region::every_format", &[]),
    Tests(PUBLIC, "cuda::save::channels::auto", &[]),
    Tests(PUBLIC, "cuda::save::channels::every_choice", &[]),
    Tests(PUBLIC, "cuda::save::options::", &[]),
    Tests(PUBLIC, "cuda::jpeg::decode", &[]),
    Tests(PUBLIC, "cuda::jpeg::encode::the_same", &[]),
    Tests(PUBLIC, "cuda::batch::decoded", &[]),
    Tests(PUBLIC, "cuda::batch::grouped", &["smaller_pictures"]),
    Tests(PUBLIC, "cuda::batch::progressive", &[]),
    Tests(UNIT, "device::cuda::jpeg::progressive::tests::", &[]),
    Tests(PUBLIC, "cuda::batch::tensors", &["memory_is_used_again"]),
    Tests(
        UNIT,
        "codec::png::kernels::tests::structures::f",
        &["flat_pictures"],
    ),
    Tests(UNIT, "codec::png::kernels::tests::structures::s", &[]),
    Tests(
        UNIT,
        "codec::png::kernels::tests::structures::every_color",
        &[],
    ),
    Tests(
        UNIT,
        "codec::png::kernels::tests::many::pictures_of_many_threads",
        &[],
    ),
    Tests(UNIT, "codec::webp::encoder::tests::engines_of_kernels", &[]),
    Tests(UNIT, "device::cuda::jpeg::tests::a_group", &["needs_few"]),
];

/// A few of each kind, which run again with other orders of warps, blocks and streams.
const ORDERS: &[Tests] = &[
    Tests(PUBLIC, "cuda::image::tensor::fit", &[]),
    Tests(PUBLIC, "cuda::image::cudarc::", &[]),
    Tests(PUBLIC, "cuda::load::scale::what_does_not_fit", &[]),
    Tests(PUBLIC, "cuda::load::orientation::png", &[]),
    Tests(PUBLIC, "cuda::jpeg::decode::crowded", &[]),
    Tests(PUBLIC, "cuda::batch::decoded", &[]),
    Tests(PUBLIC, "cuda::batch::grouped::files_that", &[]),
    Tests(PUBLIC, "cuda::batch::tensors::pictures", &[]),
    Tests(UNIT, "device::cuda::jpeg::progressive::tests::", &[]),
    Tests(PUBLIC, "cuda::save::channels::auto", &[]),
    Tests(PUBLIC, "cuda::jpeg::encode::the_same", &[]),
    Tests(UNIT, "device::cuda::jpeg::tests::a_group_waits", &[]),
    Tests(UNIT, "codec::png::kernels::tests::structures::stored", &[]),
    Tests(
        UNIT,
        "codec::png::kernels::tests::structures::four_hundred",
        &[],
    ),
];

/// Those of a GPU with so many megabytes of memory.
const LITTLE_MEMORY: (Tests, &str) = (
    Tests(PUBLIC, "cuda::hostile::faults::memory::what_kernels", &[]),
    "256",
);

const SEEDS: [&str; 2] = ["1", "2"];

/// Kernels that may race in shared memory: `png_expand` reads links that other threads shorten, and
/// takes the old ones as well as the new ones.
const RACES_MEANT: &str = "png_expand";

/// Kernels that these tests do not launch, and why.
const NOT_LAUNCHED: [(&str, &str); 3] = [
    (
        "down_strip_8",
        "eight sums are those of pictures that hardly become lower, which one kernel makes alone",
    ),
    ("planes_16_to_f32", DEEP_PLANES),
    ("planes_16_to_u8", DEEP_PLANES),
];

const DEEP_PLANES: &str =
    "only HEIF and AVIF files of more than 8 bits have such planes, and none is saved here";

/// Runs the tests, and checks that they have launched all kernels.
pub(crate) fn test() -> Result<(), Failure> {
    let emulator = build()?;
    let mut launched = BTreeSet::new();
    for tests in TESTS {
        launched.extend(run(&emulator, tests, &[])?);
    }
    let (tests, megabytes) = &LITTLE_MEMORY;
    launched.extend(run(
        &emulator,
        tests,
        &[("CUDA_EMULATOR_MEMORY", megabytes)],
    )?);
    check(&launched)
}

/// Runs some of them in the orders of two seeds, with streams that do nothing before somebody waits,
/// and looks for races.
pub(crate) fn test_orders() -> Result<(), Failure> {
    let emulator = build()?;
    for seed in SEEDS {
        let variables = [
            ("CUDA_EMULATOR_SEED", seed),
            ("CUDA_EMULATOR_LAZY", "1"),
            ("CUDA_EMULATOR_RACES", "1"),
            ("CUDA_EMULATOR_RACES_MEANT", RACES_MEANT),
        ];
        for tests in ORDERS {
            run(&emulator, tests, &variables)?;
        }
    }
    Ok(())
}

/// Builds the emulator, and says where it is: alone in a folder under the driver's name, as `cudarc`
/// looks for that by itself.
fn build() -> Result<PathBuf, Failure> {
    if !cfg!(target_os = "linux") {
        return Err("the emulated GPU has been run on Linux alone".to_owned());
    }
    sh::run(sh::cargo().args(["build", "--package", "cuda-emulator"]))?;
    let built = sh::target().join("debug/libcuda_emulator.so");
    let folder = sh::target().join("emulated");
    fs::create_dir_all(&folder).map_err(sh::io(&folder))?;
    let library = folder.join("libcuda.so");
    fs::copy(&built, &library).map_err(sh::io(&library))?;
    Ok(library)
}

/// Runs tests with what `cargo xtask test` has built for all tests. Returns the names of the kernels that they
/// launched.
fn run(
    emulator: &Path,
    tests: &Tests,
    variables: &[(&str, &str)],
) -> Result<BTreeSet<String>, Failure> {
    let Tests(target, filter, skipped) = tests;
    say!("── {filter}");
    let launched = emulator.with_file_name("launched-kernels.txt");
    if launched.exists() {
        fs::remove_file(&launched).map_err(sh::io(&launched))?;
    }
    let mut cargo = sh::cargo();
    cargo.args(["test", "--quiet", "--workspace", "--features", ALL_FEATURES]);
    cargo.args([target, "--", filter]);
    for name in *skipped {
        cargo.args(["--skip", name]);
    }
    cargo
        .env("IMAGECUDA_TEST_DEVICE", "cuda")
        .env("CUDA_DELAY_LOAD_PATH", emulator)
        .env("LD_LIBRARY_PATH", emulator.with_file_name(""))
        .env("CUDA_EMULATOR_LAUNCHED", &launched)
        .envs(variables.iter().copied());
    sh::run(&mut cargo)?;
    // The filter may be that of tests that have other names now.
    match fs::read_to_string(&launched) {
        Ok(names) => Ok(names.lines().map(str::to_owned).collect()),
        Err(_) => Err(format!("no test of `{filter}` launched a kernel")),
    }
}

/// Checks that every kernel was launched, or is named in [`NOT_LAUNCHED`].
fn check(launched: &BTreeSet<String>) -> Result<(), Failure> {
    let ptx = sh::root().join("crates/imagecuda/src/device/cuda/kernels.ptx");
    let ptx = fs::read_to_string(&ptx).map_err(sh::io(&ptx))?;
    let missing = missing(&ptx, launched);
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

/// The entries of the PTX that were not launched.
fn missing<'a>(ptx: &'a str, launched: &BTreeSet<String>) -> BTreeSet<&'a str> {
    let entries = ptx
        .lines()
        .filter_map(|line| line.strip_prefix(".visible .entry "));
    let names = entries.map(|rest| rest.split('(').next().unwrap_or(rest));
    names.filter(|name| !launched.contains(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_that_were_not_launched_are_named() {
        let ptx = ".visible .entry a(\n)\n{\n}\n.visible .entry b(\n)\n.func c(\n";
        let launched = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(missing(ptx, &launched(&["a", "c"])), BTreeSet::from(["b"]));
        assert_eq!(missing(ptx, &launched(&["a", "b"])), BTreeSet::new());
    }
}
