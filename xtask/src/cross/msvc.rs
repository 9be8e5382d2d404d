//! Clippy for Microsoft's compiler. What is written in C is compiled by MinGW, so nothing can be linked.

use std::path::PathBuf;

use super::{build_std, folder};
use crate::{Failure, sh};

const TARGET: &str = "x86_64-pc-windows-msvc";

/// The sets of features that are checked.
const FEATURES: [&[&str]; 4] = [
    &[],
    &["--features", "cuda"],
    &["--features", "cuda,cudarc,dlpack,ndarray,tracing"],
    &["--no-default-features"],
];

/// In place of Microsoft's `lib`: an archive with nothing in it.
#[cfg(unix)]
const LIB: &str = "#!/bin/sh
for word; do
    case $word in -out:*) printf '!<arch>\\n' > \"${word#-out:}\" ;; esac
done
";

pub(super) fn check() -> Result<(), Failure> {
    let lib = lib()?;
    for features in FEATURES {
        let mut cargo = sh::cargo();
        cargo
            .args(["clippy", "--quiet", "--target", TARGET])
            .args(["--package", "imagecuda", "--package", "cuda-delay-load"])
            .args(["--package", "xtask", "--all-targets"])
            .args(features)
            .env("CARGO_TARGET_DIR", folder())
            .env("CC_x86_64_pc_windows_msvc", "x86_64-w64-mingw32-gcc")
            .env("CXX_x86_64_pc_windows_msvc", "x86_64-w64-mingw32-g++")
            .env("AR_x86_64_pc_windows_msvc", &lib);
        build_std(&mut cargo, TARGET)?;
        sh::run(cargo.args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

#[cfg(unix)]
fn lib() -> Result<PathBuf, Failure> {
    use std::{fs, os::unix::fs::PermissionsExt};
    let lib = folder().join("lib");
    fs::create_dir_all(folder()).map_err(sh::io(&lib))?;
    fs::write(&lib, LIB).map_err(sh::io(&lib))?;
    fs::set_permissions(&lib, fs::Permissions::from_mode(0o755)).map_err(sh::io(&lib))?;
    Ok(lib)
}

#[cfg(not(unix))]
fn lib() -> Result<PathBuf, Failure> {
    Err("this is a check from Linux: Windows has the compiler itself".to_owned())
}
