//! `cargo xtask test`: everything that CI runs, in order, up to the first failure.

use std::{
    env,
    io::{self, Write},
    time::Instant,
};

use crate::{
    Failure, api, args::Args, candle, cross, custom_kernel, deny, emulated, fuzz, machine_code,
    prerequisites, ptx, ptxas, sh,
};

pub(crate) const HELP: &str = "\
cargo xtask test [--quick | --emulated | --windows | --aarch64]

Everything that CI runs: formatting, clippy four times (default features; with all but HEIF;
with `heif-vendored` too; with none), all tests and doctests, tests of the GPU's code on a GPU of
software, the documentation, the list of
public items, kernels.ptx rebuilt, compared and assembled, the examples with a kernel of its own and
with candle, built and run on the CPU, the fuzz targets, 10 seconds each, and what deny.toml asks of
the dependencies. Stops at the first failure. Missing tools are installed, or named. On Windows it
runs what has been made to run there, and names the rest.

  --quick      formatting, clippy and tests with all but HEIF, and no more: no libheif to build
  --emulated   on Linux: tests of the GPU's code on a GPU of software, which interprets kernels.ptx,
               and some of them again in other orders of warps, blocks and streams, and no more
  --windows    on Linux: all tests but HEIF's, built for Windows and run by Wine, and no more. Also
               clippy for Microsoft's compiler, Ctrl-C, hundreds of conversions whose files must be
               those of Linux, README's line for machines without a CUDA toolkit, and, where Windows'
               own cargo is, a new package to which it adds the library
  --aarch64    on Linux: all tests but HEIF's and the conversions, built for aarch64 Linux and run
               by QEMU
";

/// All features of the library but HEIF, whose vendored codecs take minutes to build.
pub(crate) const FEATURES: &str =
    "imagecuda/cuda,imagecuda/cudarc,imagecuda/dlpack,imagecuda/ndarray,imagecuda/tracing";

/// All features of the library. Tests, clippy and the emulated GPU have them with the same packages: were they
/// others, then the crates that build libheif might have other features, and it would be built again.
pub(crate) const ALL_FEATURES: &str = "imagecuda/cuda,imagecuda/cudarc,imagecuda/dlpack,imagecuda/ndarray,imagecuda/tracing,imagecuda/heif-vendored";

type Step = (&'static str, fn() -> Result<(), Failure>);

const QUICK: [Step; 3] = [
    ("formatting", formatting),
    ("clippy, cuda", clippy_cuda),
    ("tests, no libheif", tests_without_heif),
];

const ALL: [Step; 16] = [
    ("prerequisites", prerequisites::check),
    ("formatting", formatting),
    ("clippy, default features", clippy_default),
    ("clippy, cuda", clippy_cuda),
    ("clippy, cuda and libheif", clippy_heif),
    ("clippy, no features", clippy_none),
    ("tests", tests),
    ("tests on an emulated GPU", emulated::test),
    ("tests, no features", tests_none),
    ("documentation", documentation),
    ("public items", api::check),
    ("kernels.ptx", kernels),
    ("custom kernel", custom_kernel::test),
    ("candle", candle::test),
    ("fuzz targets", fuzz::smoke),
    ("dependencies", deny::check),
];

const EMULATED: [Step; 2] = [
    ("tests on an emulated GPU", emulated::test),
    ("the same in another order", emulated::test_orders),
];

/// Each of these takes minutes, and programs that most machines have not got.
const WINDOWS: [Step; 6] = [
    ("clippy for msvc", cross::msvc),
    ("tests for Windows", cross::windows),
    ("conversions", cross::windows_conversions),
    ("Ctrl-C", cross::windows_interrupts),
    ("README's line for Windows", cross::windows_line),
    // Left out where there is no cargo of Windows.
    ("a new package on Windows", cross::windows_host),
];
const AARCH64: [Step; 2] = [
    ("conversions", cross::aarch64_conversions),
    ("tests for aarch64", cross::aarch64),
];

const ON_WINDOWS: [Step; 8] = [
    ("formatting", formatting),
    ("clippy, default features", clippy_default),
    ("clippy, cuda", clippy_cuda),
    ("clippy, no features", clippy_none),
    ("tests, no libheif", tests_without_heif),
    ("tests, no features", tests_none),
    ("documentation", documentation),
    ("dependencies", deny::check),
];

const NOT_ON_WINDOWS: &str = "\
NOT CHECKED, because these steps have run on Linux alone so far: libheif (its codecs are Debian's), the
list of public items, kernels.ptx, the custom kernel, the example with candle and the fuzz targets";

pub(crate) fn run(args: &mut Args) -> Result<(), Failure> {
    let names = ["--quick", "--emulated", "--windows", "--aarch64"];
    let chosen: Vec<&str> = names.into_iter().filter(|flag| args.flag(flag)).collect();
    let mut steps = match chosen[..] {
        [] if cfg!(windows) => &ON_WINDOWS[..],
        [] => &ALL[..],
        ["--quick"] => &QUICK[..],
        ["--emulated"] => &EMULATED[..],
        ["--windows"] => &WINDOWS[..],
        ["--aarch64"] => &AARCH64[..],
        _ => {
            return Err("one of --quick, --emulated, --windows and --aarch64 at a time".to_owned());
        }
    };
    args.finish()?;
    let mut not_run = cfg!(windows).then(|| NOT_ON_WINDOWS.to_owned());
    if chosen == ["--windows"]
        && let Some(reason) = cross::windows_host_is_missing()?
        && let [others @ .., (name, _)] = steps
    {
        not_run = Some(format!("NOT RUN: {name}: {reason}"));
        steps = others;
    }
    let start = Instant::now();
    for (index, (name, step)) in steps.iter().enumerate() {
        let begin = Instant::now();
        say!("── {}/{} {name}", index + 1, steps.len());
        let outcome = step();
        // Whatever reads us may not be a terminal, and sees the programs' output as well.
        let _ = io::stdout().flush();
        let seconds = begin.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => say!("── {name}: ok ({seconds:.1} s)"),
            Err(failure) => return Err(format!("{name}: failed ({seconds:.1} s): {failure}")),
        }
    }
    say!(
        "── all {} steps are ok ({:.0} s)",
        steps.len(),
        start.elapsed().as_secs_f64()
    );
    if let Some(text) = not_run {
        say!("{text}");
    }
    Ok(())
}

/// Runs cargo with `args`, or says what to do about its failure.
fn cargo(args: &str, advice: &str) -> Result<(), Failure> {
    let mut cargo = sh::cargo();
    cargo.args(args.split(' '));
    sh::run(&mut cargo).map_err(|failure| format!("{failure}; {advice}"))
}

fn formatting() -> Result<(), Failure> {
    cargo("fmt --all -- --check -l", "run `cargo fmt --all`")
}

fn clippy(what: &str) -> Result<(), Failure> {
    cargo(
        &format!("clippy --quiet {what} --all-targets -- -D warnings"),
        "run that, and mend what it names",
    )
}

fn clippy_default() -> Result<(), Failure> {
    clippy("--workspace")
}

fn clippy_cuda() -> Result<(), Failure> {
    clippy("--package imagecuda --features cuda,cudarc,dlpack,ndarray,tracing")
}

fn clippy_heif() -> Result<(), Failure> {
    clippy(&format!("--workspace --features {ALL_FEATURES}"))
}

fn clippy_none() -> Result<(), Failure> {
    clippy("--package imagecuda --no-default-features")
}

fn tests() -> Result<(), Failure> {
    tests_with(ALL_FEATURES)
}

fn tests_without_heif() -> Result<(), Failure> {
    tests_with(FEATURES)
}

fn tests_with(features: &str) -> Result<(), Failure> {
    cargo(
        &format!("test --workspace --features {features} --no-fail-fast"),
        &format!(
            "the failures are named above; run one with `cargo test --features {features} NAME`"
        ),
    )
}

fn tests_none() -> Result<(), Failure> {
    cargo(
        "test --package imagecuda --no-default-features --lib",
        "something needs a feature and does not say so",
    )
}

fn documentation() -> Result<(), Failure> {
    let mut cargo = sh::cargo();
    cargo.args([
        "doc",
        "--quiet",
        "--workspace",
        "--exclude",
        "xtask",
        "--no-deps",
    ]);
    cargo
        .args(["--features", FEATURES])
        .env("RUSTDOCFLAGS", "-D warnings");
    sh::run(&mut cargo).map_err(|failure| format!("{failure}; mend what it names"))
}

fn kernels() -> Result<(), Failure> {
    ptx::check_file()?;
    match ptxas::find_or_fetch(None) {
        Ok(ptxas) => machine_code::check(&ptxas, false),
        Err(failure) if env::var_os("CI").is_some() => Err(failure),
        Err(failure) => {
            say!(
                "KERNELS.PTX WAS NOT ASSEMBLED, so a GPU may refuse it, or have older machine code: {failure}"
            );
            Ok(())
        }
    }
}
