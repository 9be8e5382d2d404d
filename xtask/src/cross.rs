//! The tests, built for another system and run here by Wine or QEMU.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Failure, custom_kernel, sh};

const AARCH64: &str = "aarch64-unknown-linux-gnu";
const WINDOWS: &str = "x86_64-pc-windows-gnu";

/// All but HEIF, whose codecs are the system's.
const FEATURES: &str = "imagecuda/cuda,imagecuda/dlpack,imagecuda/ndarray,imagecuda/tracing";

/// Programs that have to run, each with the package of Debian that has it.
type Needs = [(&'static str, &'static str)];

const AARCH64_NEEDS: &Needs = &[
    ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
    ("aarch64-linux-gnu-g++", "g++-aarch64-linux-gnu"),
    ("qemu-aarch64", "qemu-user"),
];
const WINDOWS_NEEDS: &Needs = &[
    ("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64-win32"),
    ("x86_64-w64-mingw32-g++", "g++-mingw-w64-x86-64-win32"),
];

/// Where Wine may be.
const WINE: [&str; 4] = [
    "wine64",
    "/usr/lib/wine/wine64",
    "wine",
    "/usr/lib/wine/wine",
];

/// Rust's standard library takes its random numbers from a library that Wine has since release 9.
/// This one asks an older library for them.
const RANDOM: &str = "
__declspec(dllimport) unsigned char __stdcall SystemFunction036(void *, unsigned long);
__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *bytes, unsigned long long count) {
    return SystemFunction036(bytes, (unsigned long)count);
}
";

/// What is not tested so, and why. Tests that start programs of Linux leave themselves out on Windows.
const SKIPPED_UNDER_QEMU: [(&str, &str); 2] = [
    (
        "hostile::bombs::",
        "QEMU itself takes the address space that they limit",
    ),
    ("hostile::faults::memory::", "the same"),
];

const SKIPPED_UNDER_WINE: [(&str, &str); 1] = [(
    "save::windows::readers_keep_the_picture",
    "Wine 8 replaces no file that anybody has open, whatever they allow",
)];

/// mozjpeg, with which tests compare, counts the zeros of 64-bit numbers as those of a `long`, which
/// has 32 bits on Windows.
const CFLAGS: (&str, &str) = (
    "CFLAGS_x86_64_pc_windows_gnu",
    "-D__builtin_ctzl=__builtin_ctzll",
);

pub(crate) fn windows() -> Result<(), Failure> {
    let wine = WINE
        .into_iter()
        .find(|wine| sh::works(wine, &["--version"]));
    missing(WINDOWS_NEEDS, wine.is_none().then_some("wine64"))?;
    let wine = wine.unwrap_or_default();
    let prefix = prefix(wine)?;
    let mut cargo = tests(WINDOWS, "x86_64-w64-mingw32-gcc", wine)?;
    cargo.env("WINEPREFIX", prefix).env("WINEDEBUG", "-all");
    skip(&mut cargo, &SKIPPED_UNDER_WINE);
    sh::run(&mut cargo)
}

pub(crate) fn aarch64() -> Result<(), Failure> {
    missing(AARCH64_NEEDS, None)?;
    let runner = "qemu-aarch64 -L /usr/aarch64-linux-gnu";
    let mut cargo = tests(AARCH64, "aarch64-linux-gnu-gcc", runner)?;
    // For programs that tests start, and a library that one compiles.
    cargo
        .env("IMAGECUDA_TEST_RUNNER", runner)
        .env("IMAGECUDA_TEST_CC", "aarch64-linux-gnu-gcc");
    skip(&mut cargo, &SKIPPED_UNDER_QEMU);
    sh::run(&mut cargo)
}

fn skip(cargo: &mut Command, tests: &[(&str, &str)]) {
    for (name, why) in tests {
        say!("left out: {name}: {why}");
        cargo.args(["--skip", name]);
    }
}

/// Names the packages whose programs do not run, and one that is known to be missing.
fn missing(needs: &Needs, other: Option<&'static str>) -> Result<(), Failure> {
    let missing = needs
        .iter()
        .filter(|(program, _)| !sh::works(program, &["--version"]));
    let packages: Vec<&str> = missing.map(|(_, package)| *package).chain(other).collect();
    match packages.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "programs are missing; on Debian, apt-get install --no-install-recommends {}",
            packages.join(" ")
        )),
    }
}

/// Builds what tests start and open, and gives cargo, about to build and run all tests but those in
/// documentation. Arguments for the tests may follow.
fn tests(target: &str, linker: &str, runner: &str) -> Result<Command, Failure> {
    let variable = |what: &str| {
        let target = target.to_uppercase().replace('-', "_");
        format!("CARGO_TARGET_{target}_{what}")
    };
    let library = ["--print", "target-libdir", "--target", target];
    let library = sh::read(sh::command("rustc").args(library))?;
    let rust_src = match Path::new(library.trim()).is_dir() {
        true => None,
        false => {
            say!("without `rustup target add {target}`, its standard library is built as well");
            Some(custom_kernel::rust_src().map_err(|error| error.to_string())?)
        }
    };
    let cargo = |command: &str| {
        let mut cargo = sh::cargo();
        cargo
            .args([command, "--target", target])
            .args(["--package", "imagecuda", "--package", "imagecuda-kernels"])
            .args(["--package", "cuda-delay-load", "--features", FEATURES])
            .env(variable("LINKER"), linker)
            .env(variable("RUNNER"), runner)
            // In a folder of their own: `RUSTC_BOOTSTRAP` has build scripts run again, and what
            // depends on them built again.
            .env("CARGO_TARGET_DIR", sh::target().join("cross"))
            .env(CFLAGS.0, CFLAGS.1)
            // Tests take what cargo has built: there is no compiler where they run.
            .env("IMAGECUDA_TEST_CROSS", "1");
        if let Some(rust_src) = &rust_src {
            cargo
                .arg("-Zbuild-std=std,panic_unwind")
                .env("RUSTC_BOOTSTRAP", "1")
                .env("__CARGO_TESTS_ONLY_SRC_ROOT", rust_src);
        }
        cargo
    };
    // Examples are built only where no kind of test is named.
    sh::run(cargo("test").arg("--no-run"))?;
    let mut cargo = cargo("test");
    cargo.args(["--lib", "--tests", "--no-fail-fast", "--"]);
    Ok(cargo)
}

/// A folder for Wine's files, with what Rust's standard library needs.
fn prefix(wine: &str) -> Result<PathBuf, Failure> {
    let prefix = sh::target().join("wine");
    fs::create_dir_all(&prefix).map_err(sh::io(&prefix))?;
    let system = prefix.join("drive_c/windows/system32");
    if !system.is_dir() {
        let mut boot = sh::command(wine);
        boot.args(["wineboot", "--init"])
            .env("WINEPREFIX", &prefix)
            .env("WINEDEBUG", "-all");
        sh::read(boot.env_remove("DISPLAY"))?;
    }
    let library = system.join("bcryptprimitives.dll");
    if !library.is_file() {
        let source = prefix.join("random.c");
        fs::write(&source, RANDOM).map_err(sh::io(&source))?;
        let mut gcc = sh::command("x86_64-w64-mingw32-gcc");
        sh::read(
            gcc.arg("-shared")
                .arg("-o")
                .args([&library, &source])
                .arg("-ladvapi32"),
        )?;
    }
    Ok(prefix)
}
