//! The program between cargo and rustc (cargo's `RUSTC_WRAPPER`). Cargo hashes a crate's
//! absolute path into `-C metadata`, from where it reaches every mangled name, and with the
//! names the order of the functions. Here the same number is derived from what a crate is,
//! not from where it lies. Crates for the host pass through untouched.
//!
//! Compiled with a bare `rustc` when it is first needed; std only.

use std::{env, process};

const TARGET: &str = "nvptx64-nvidia-cuda";

fn main() {
    let mut args = env::args_os().skip(1);
    let Some(rustc) = args.next() else {
        eprintln!("rustc-shim: cargo starts this, with rustc's path as first argument");
        process::exit(2);
    };
    let args: Vec<_> = args.collect();
    let text: Option<Vec<String>> = args.iter().map(|a| a.to_str().map(str::to_owned)).collect();
    let package: Vec<String> = ["CARGO_PKG_NAME", "CARGO_PKG_VERSION"]
        .iter()
        .map(|name| env::var(name).unwrap_or_default())
        .collect();

    let mut command = process::Command::new(rustc);
    match text {
        Some(text) => command.args(stable(
            text,
            &package,
            env::var("CARGO_MANIFEST_DIR").ok().as_deref(),
        )),
        None => command.args(args),
    };
    match command.status() {
        Ok(status) => process::exit(status.code().unwrap_or(1)),
        Err(error) => {
            eprintln!("rustc-shim: cannot run rustc: {error}");
            process::exit(2);
        }
    }
}

/// `args` with a metadata that does not depend on any path, and with the package's folder
/// kept out of panic messages.
pub(crate) fn stable(
    mut args: Vec<String>,
    package: &[String],
    folder: Option<&str>,
) -> Vec<String> {
    let for_gpu = args
        .windows(2)
        .any(|two| two[0] == "--target" && two[1] == TARGET);
    let Some(at) = args.iter().position(|arg| arg.starts_with("metadata=")) else {
        return args;
    };
    if !for_gpu {
        return args;
    }

    // What tells two crates of one build apart: the package, the crate and its features.
    let mut identity = package.to_vec();
    for two in args.windows(2) {
        if matches!(two[0].as_str(), "--crate-name" | "--crate-type" | "--cfg") {
            identity.extend_from_slice(two);
        }
    }
    args[at] = format!("metadata={:016x}", fnv1a(&identity));

    if let (Some(folder), [name, version, ..]) = (folder, package)
        && !folder.is_empty()
    {
        args.push(format!("--remap-path-prefix={folder}=/{name}-{version}"));
    }
    args
}

/// FNV-1a, 64 bits, over the strings and their ends.
fn fnv1a(strings: &[String]) -> u64 {
    strings
        .iter()
        .flat_map(|s| s.bytes().chain([0xff]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}
