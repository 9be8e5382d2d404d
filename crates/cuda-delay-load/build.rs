//! Lets `-lcuda` succeed on a machine that has no libcuda.

use std::{env, fs, path::PathBuf};

/// A Unix archive with no members: its signature and nothing else.
const EMPTY_ARCHIVE: &[u8; 8] = b"!<arch>\n";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(cuda_delay_load)");
    if !delays(&target("OS"), &target("ARCH"), &target("POINTER_WIDTH")) {
        return;
    }

    // Cargo puts search paths below its own target folder before all others, so the
    // linker meets this archive before any libcuda.so of a toolkit or of a driver.
    // It takes nothing from it, and finds the functions in this crate.
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let archive = folder.join("libcuda.a");
    fs::write(&archive, EMPTY_ARCHIVE)
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", archive.display()));
    println!("cargo::rustc-link-search=native={}", folder.display());
    println!("cargo::rustc-cfg=cuda_delay_load");
}

/// Whether there are trampolines for this target. Keep in step with the condition
/// on `libloading` in Cargo.toml.
fn delays(os: &str, arch: &str, pointer_width: &str) -> bool {
    os == "linux" && pointer_width == "64" && matches!(arch, "x86_64" | "aarch64")
}

fn target(what: &str) -> String {
    env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default()
}
