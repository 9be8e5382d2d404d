//! Wine, and the folder in which it has its Windows.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Failure, sh};

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

/// The first Wine that runs.
pub(super) fn find() -> Option<&'static str> {
    let works = |wine: &&str| sh::works(wine, &["--version"]);
    WINE.into_iter().find(works)
}

/// What Wine wants in the environment.
pub(super) fn variables(prefix: PathBuf) -> Vec<(&'static str, PathBuf)> {
    vec![("WINEPREFIX", prefix), ("WINEDEBUG", "-all".into())]
}

fn folder() -> PathBuf {
    sh::target().join("wine")
}

/// Drive C.
pub(super) fn drive() -> PathBuf {
    folder().join("drive_c")
}

/// A folder for Wine's files, with what Rust's standard library needs.
pub(super) fn prefix(wine: &str) -> Result<PathBuf, Failure> {
    let prefix = folder();
    fs::create_dir_all(&prefix).map_err(sh::io(&prefix))?;
    let system = drive().join("windows/system32");
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
    // A test that was interrupted leaves it here, and every program would find a driver then.
    let driver = system.join("nvcuda.dll");
    if driver.is_file() {
        fs::remove_file(&driver).map_err(sh::io(&driver))?;
    }
    share(&prefix)?;
    Ok(prefix)
}

/// Shares the drives as Windows does with its administrators, for paths of other machines.
fn share(prefix: &Path) -> Result<(), Failure> {
    let drives = prefix.join("dosdevices");
    let server = drives.join("unc/localhost");
    fs::create_dir_all(&server).map_err(sh::io(&server))?;
    for drive in ["c", "z"] {
        let link = server.join(format!("{drive}$"));
        if !link.exists() {
            let root = drives.join(format!("{drive}:"));
            super::symlink(&root, &link).map_err(sh::io(&link))?;
        }
    }
    Ok(())
}
