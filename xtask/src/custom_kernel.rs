//! The example that compiles a kernel of its own: a workspace apart, which needs rust-src.

use std::{env, fs, path::PathBuf};

use imagecuda_kernel_builder::{Error, KernelBuilder};

use crate::{Failure, messages::programs, sh};

pub(crate) const NAME: &str = "custom_kernel";
const MANIFEST: &str = "examples/custom_kernel/Cargo.toml";

/// Where the project's machines have rust-src, if the toolchain has none.
pub(crate) fn archive() -> PathBuf {
    sh::root().join("../shared/rust-src-1.95.0.tar.xz")
}

/// The sources of the standard library.
pub(crate) fn rust_src() -> Result<PathBuf, Error> {
    KernelBuilder::new(sh::root().join("examples/custom_kernel/kernels"))
        .rust_src_archive(archive())
        .target_dir(sh::target().join("kernel-builder"))
        .find_rust_src()
}

/// Why it cannot be built, if that is for want of rust-src.
pub(crate) fn missing() -> Result<Option<String>, Failure> {
    match rust_src() {
        Ok(_) => Ok(None),
        Err(error @ Error::NoRustSrc { .. }) => Ok(Some(error.to_string())),
        Err(error) => Err(error.to_string()),
    }
}

/// Cargo for the example, in the folder that everything else is built in.
fn cargo(args: &[&str]) -> std::process::Command {
    let mut cargo = sh::cargo();
    cargo
        .args(args)
        .args(["--quiet", "--locked", "--manifest-path", MANIFEST])
        .arg("--target-dir")
        .arg(sh::target());
    // Its build script looks where any user's would, and not beside this repository.
    if env::var_os("RUST_SRC_ARCHIVE").is_none() && archive().is_file() {
        cargo.env("RUST_SRC_ARCHIVE", archive());
    }
    cargo
}

/// Builds the program, and says where it is.
pub(crate) fn build(args: &[&str]) -> Result<PathBuf, Failure> {
    let mut cargo = cargo(&["build", "--message-format=json-render-diagnostics"]);
    let built = programs(&sh::listen(cargo.args(args))?);
    let program = built.into_iter().find(|program| program.name == NAME);
    program
        .map(|program| program.path)
        .ok_or_else(|| format!("cargo built no {NAME}"))
}

/// Checks the example, builds it and runs it on the CPU.
pub(crate) fn test() -> Result<(), Failure> {
    let mut format = sh::cargo();
    format.args(["fmt", "--manifest-path", MANIFEST]);
    format.args(["--package", NAME, "--package", "custom-kernel-kernels"]);
    sh::run(format.args(["--", "--check", "-l"]))?;
    if let Some(reason) = missing()? {
        say!("THE EXAMPLE custom_kernel WAS NEITHER BUILT NOR RUN: {reason}");
        return Ok(());
    }
    sh::run(cargo(&["clippy", "--workspace"]).args(["--", "-D", "warnings"]))?;
    let program = build(&[])?;
    let output = sh::target().join("custom_kernel.png");
    let _ = fs::remove_file(&output);
    let mut run = sh::command(program);
    run.args(["--device", "cpu", "examples/data/sample.jpg"]);
    sh::run(run.arg(&output))?;
    match output.is_file() {
        true => fs::remove_file(&output).map_err(sh::io(&output)),
        false => Err(format!("{} was not written", output.display())),
    }
}
