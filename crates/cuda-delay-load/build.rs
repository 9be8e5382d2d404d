//! Lets the linker find a libcuda on a machine that has none.

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
    // linker meets this archive before any libcuda of a toolkit or of a driver.
    // It takes nothing from it, and finds the functions in this crate.
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let (name, content) = match target("ENV").as_str() {
        "msvc" => ("cuda.lib", microsoft_archive()),
        _ => ("libcuda.a", EMPTY_ARCHIVE.to_vec()),
    };
    let archive = folder.join(name);
    fs::write(&archive, content)
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", archive.display()));
    println!("cargo::rustc-link-search=native={}", folder.display());
    println!("cargo::rustc-cfg=cuda_delay_load");
}

/// Whether there are trampolines for this target. Keep in step with the condition
/// on `libloading` in Cargo.toml.
fn delays(os: &str, arch: &str, pointer_width: &str) -> bool {
    match os {
        "linux" => pointer_width == "64" && matches!(arch, "x86_64" | "aarch64"),
        "windows" => arch == "x86_64",
        _ => false,
    }
}

fn target(what: &str) -> String {
    env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default()
}

/// The archive as Microsoft's tools write one: two indexes of no symbols, and an object
/// that defines nothing. Their format has no archive without indexes.
fn microsoft_archive() -> Vec<u8> {
    /// The header of an object for x86-64 with no sections and no symbols.
    const OBJECT: [u8; 20] = [
        0x64, 0x86, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    let header = |name: &str, size: usize| {
        // Name, date, user, group, mode, size.
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 0).into_bytes()
    };
    // The first index: the number of symbols, big-endian.
    let first = [header("/", 4), 0_u32.to_be_bytes().to_vec()].concat();
    // The second: the number of members, where each begins, and the number of symbols.
    const SECOND: usize = 12;
    let object = EMPTY_ARCHIVE.len() + first.len() + header("/", SECOND).len() + SECOND;
    let second = [1, object as u32, 0].map(u32::to_le_bytes).concat();
    [
        &EMPTY_ARCHIVE[..],
        &first,
        &header("/", SECOND),
        &second,
        &header("nothing.obj/", OBJECT.len()),
        &OBJECT,
    ]
    .concat()
}
