//! The example that compiles a kernel of its own: a workspace apart, which needs rust-src.

use std::{env, path::PathBuf, process::Command};

use imagecuda_kernel_builder::{Error, KernelBuilder};

use crate::{Failure, sh, workspace::Example};

pub(crate) const NAME: &str = "custom_kernel";

const EXAMPLE: Example = Example {
    name: NAME,
    packages: &[NAME, "custom-kernel-kernels"],
};

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

/// Cargo for the example.
fn cargo(args: &[&str]) -> Command {
    let mut cargo = EXAMPLE.cargo(args);
    // Its build script looks where any user's would, and not beside this repository.
    if env::var_os("RUST_SRC_ARCHIVE").is_none() && archive().is_file() {
        cargo.env("RUST_SRC_ARCHIVE", archive());
    }
    cargo
}

/// Builds the program, and says where it is.
pub(crate) fn build(args: &[&str]) -> Result<PathBuf, Failure> {
    let mut cargo = cargo(&["build"]);
    cargo.args(args);
    EXAMPLE.build(cargo)
}

/// Checks the example, builds it and runs it on the CPU.
pub(crate) fn test() -> Result<(), Failure> {
    EXAMPLE.check_formatting()?;
    if let Some(reason) = missing()? {
        say!("THE EXAMPLE custom_kernel WAS NEITHER BUILT NOR RUN: {reason}");
        return Ok(());
    }
    sh::run(cargo(&["clippy", "--workspace"]).args(["--", "-D", "warnings"]))?;
    EXAMPLE.run(build(&[])?, &["examples/data/sample.jpg"])
}
