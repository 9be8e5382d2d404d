//! The tests and programs of other systems, built and run here by Wine or QEMU.

mod conversions;
mod host;
mod msvc;
mod wine;

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Failure, custom_kernel, sh, test::FEATURES};

const AARCH64: &str = "aarch64-unknown-linux-gnu";
const WINDOWS: &str = "x86_64-pc-windows-gnu";

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

/// A system whose programs run here.
struct System {
    target: &'static str,
    linker: &'static str,
    /// The words that start a program of it.
    runner: String,
    /// What they need in the environment.
    variables: Vec<(&'static str, PathBuf)>,
}

impl System {
    fn windows() -> Result<Self, Failure> {
        let wine = wine::find();
        missing(WINDOWS_NEEDS, wine.is_none().then_some("wine64"))?;
        let wine = wine.unwrap_or_default();
        Ok(Self {
            target: WINDOWS,
            linker: "x86_64-w64-mingw32-gcc",
            runner: wine.to_owned(),
            variables: wine::variables(wine::prefix(wine)?),
        })
    }

    fn aarch64() -> Result<Self, Failure> {
        missing(AARCH64_NEEDS, None)?;
        Ok(Self {
            target: AARCH64,
            linker: "aarch64-linux-gnu-gcc",
            runner: "qemu-aarch64 -L /usr/aarch64-linux-gnu".to_owned(),
            variables: Vec::new(),
        })
    }

    /// Cargo for the packages that other systems have.
    fn cargo(&self, command: &str) -> Result<Command, Failure> {
        let mut cargo = self.cargo_for_any(command)?;
        cargo
            .args(["--package", "imagecuda", "--package", "imagecuda-kernels"])
            .args(["--package", "cuda-delay-load", "--features", FEATURES]);
        Ok(cargo)
    }

    /// Cargo for any package.
    fn cargo_for_any(&self, command: &str) -> Result<Command, Failure> {
        let variable = |what: &str| {
            let target = self.target.to_uppercase().replace('-', "_");
            format!("CARGO_TARGET_{target}_{what}")
        };
        let mut cargo = sh::cargo();
        cargo
            .args([command, "--target", self.target])
            .env(variable("LINKER"), self.linker)
            .env(variable("RUNNER"), &self.runner)
            // In a folder of their own: `RUSTC_BOOTSTRAP` has build scripts run again, and what
            // depends on them built again.
            .env("CARGO_TARGET_DIR", folder())
            .env(CFLAGS.0, CFLAGS.1)
            // Tests take what cargo has built: there is no compiler where they run.
            .env("IMAGECUDA_TEST_CROSS", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        build_std(&mut cargo, self.target)?;
        Ok(cargo)
    }

    /// Runs all tests but those in documentation.
    fn test(&self, variables: &[(&str, &str)], skipped: &[(&str, &str)]) -> Result<(), Failure> {
        self.build()?;
        let mut cargo = self.cargo("test")?;
        cargo.args(["--lib", "--tests", "--no-fail-fast", "--"]);
        for (name, why) in skipped {
            say!("left out: {name}: {why}");
            cargo.args(["--skip", name]);
        }
        sh::run(cargo.envs(variables.iter().copied()))
    }

    /// Builds tests, and what they start and open: examples too, as no kind of test is named. Returns the
    /// folder of the examples. `cargo build` would build the standard library with other features, and
    /// everything else once more.
    fn build(&self) -> Result<PathBuf, Failure> {
        sh::run(self.cargo("test")?.arg("--no-run"))?;
        Ok(folder().join(self.target).join("debug/examples"))
    }

    /// A command that starts a program of this system.
    fn command(&self, program: &Path) -> Command {
        let mut words = self.runner.split(' ').map(OsStr::new);
        let mut command = sh::command(words.next().unwrap_or_default());
        command
            .args(words)
            .arg(program)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Where everything of other systems is built.
fn folder() -> PathBuf {
    sh::target().join("cross")
}

pub(crate) fn windows() -> Result<(), Failure> {
    System::windows()?.test(&[], &SKIPPED_UNDER_WINE)
}

pub(crate) fn windows_conversions() -> Result<(), Failure> {
    conversions::compare(&System::windows()?)
}

/// Ctrl-C, which a program under Wine has of the signal SIGINT, so that Linux has to send it: the
/// tests are Linux's, and the programs that they start those of Windows.
pub(crate) fn windows_interrupts() -> Result<(), Failure> {
    let system = System::windows()?;
    let mut cargo = sh::cargo();
    cargo
        .args(["test", "--package", "imagecuda", "--features", FEATURES])
        .args(["--test", "all", "--", "interrupted"])
        .env("IMAGECUDA_TEST_EXAMPLES", system.build()?)
        .env("IMAGECUDA_TEST_RUNNER", &system.runner)
        .envs(system.variables);
    sh::run(&mut cargo)
}

pub(crate) fn msvc() -> Result<(), Failure> {
    missing(WINDOWS_NEEDS, None)?;
    msvc::check()
}

pub(crate) fn windows_line() -> Result<(), Failure> {
    host::check_line(&System::windows()?)
}

pub(crate) fn windows_host() -> Result<(), Failure> {
    host::check(&System::windows()?)
}

/// Why the step before cannot be run, if that is for want of Windows' own cargo.
pub(crate) fn windows_host_is_missing() -> Result<Option<Failure>, Failure> {
    Ok(host::toolchain(WINDOWS)?.err())
}

pub(crate) fn aarch64() -> Result<(), Failure> {
    let system = System::aarch64()?;
    // For programs that tests start, and a library that one compiles.
    let variables = [
        ("IMAGECUDA_TEST_RUNNER", &*system.runner),
        ("IMAGECUDA_TEST_CC", system.linker),
    ];
    system.test(&variables, &SKIPPED_UNDER_QEMU)
}

pub(crate) fn aarch64_conversions() -> Result<(), Failure> {
    conversions::compare(&System::aarch64()?)
}

/// Has cargo build the standard library too, unless the toolchain has it for `target`.
fn build_std(cargo: &mut Command, target: &str) -> Result<(), Failure> {
    let library = ["--print", "target-libdir", "--target", target];
    let library = sh::read(sh::command("rustc").args(library))?;
    if Path::new(library.trim()).is_dir() {
        return Ok(());
    }
    say!("without `rustup target add {target}`, its standard library is built as well");
    let rust_src = custom_kernel::rust_src().map_err(|error| error.to_string())?;
    cargo
        .arg("-Zbuild-std=std,panic_unwind")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", rust_src);
    Ok(())
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

#[cfg(unix)]
use std::os::unix::fs::symlink;

/// Wine is for other systems.
#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
