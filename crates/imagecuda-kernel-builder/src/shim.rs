//! Compiles and caches the rustc shim; see its own source for what it is for.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{Error, toolchain::Toolchain};

const SOURCE: &str = include_str!("rustc_shim.rs");

/// The shim's executable under `target_dir`, compiled if it is not there yet.
pub(crate) fn executable(toolchain: &Toolchain, target_dir: &Path) -> Result<PathBuf, Error> {
    let name = format!(
        "rustc-shim-{:016x}",
        fnv1a(&[SOURCE, &toolchain.verbose_version])
    );
    let exe = target_dir.join(name + env::consts::EXE_SUFFIX);
    if exe.is_file() {
        return Ok(exe);
    }
    // Under a name of its own first, so that no other build runs half an executable.
    let stem = format!("rustc-shim-{}", std::process::id());
    let source = target_dir.join(format!("{stem}.rs"));
    let fresh = target_dir.join(stem + env::consts::EXE_SUFFIX);
    fs::write(&source, SOURCE).map_err(Error::io(&source))?;
    let compiled = toolchain.run(
        toolchain
            .rustc_command()
            .args([
                "--edition=2024",
                "--crate-name=rustc_shim",
                "-Copt-level=1",
                "-o",
            ])
            .args([&fresh, &source]),
    );
    let _ = fs::remove_file(&source);
    compiled?;
    fs::rename(&fresh, &exe).map_err(Error::io(&exe))?;
    Ok(exe)
}

/// FNV-1a, 64 bits: names for cached files, nothing that must resist anyone.
pub(crate) fn fnv1a(strings: &[&str]) -> u64 {
    strings
        .iter()
        .flat_map(|s| s.bytes().chain([0xff]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

// The shim is a program of its own; here it is a module, for its tests' sake.
#[cfg(test)]
#[allow(dead_code)]
#[path = "rustc_shim.rs"]
mod rustc_shim;

#[cfg(test)]
mod tests {
    use super::rustc_shim::stable;

    fn args(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn package() -> Vec<String> {
        args("kernels 1.2.3")
    }

    #[test]
    fn metadata_comes_from_the_crate_and_not_from_the_path() {
        let one = args("--crate-name k src/lib.rs -C metadata=aaaa --target nvptx64-nvidia-cuda");
        let two = args("--crate-name k src/lib.rs -C metadata=bbbb --target nvptx64-nvidia-cuda");
        let out = stable(one.clone(), &package(), None);
        assert_ne!(out, one);
        assert_eq!(out, stable(two, &package(), None));
        assert_ne!(out, stable(one, &args("kernels 1.2.4"), None));
    }

    #[test]
    fn features_make_another_crate() {
        let plain = args("--crate-name k -C metadata=a --target nvptx64-nvidia-cuda");
        let feature = args("--crate-name k --cfg f -C metadata=a --target nvptx64-nvidia-cuda");
        let metadata = |args| {
            let out = stable(args, &package(), None);
            out.into_iter()
                .find(|arg| arg.starts_with("metadata="))
                .unwrap()
        };
        assert_ne!(metadata(plain), metadata(feature));
    }

    #[test]
    fn the_package_folder_is_remapped() {
        let one = args("--crate-name k -C metadata=a --target nvptx64-nvidia-cuda");
        let out = stable(one, &package(), Some("/home/me/k"));
        assert_eq!(
            out.last().unwrap(),
            "--remap-path-prefix=/home/me/k=/kernels-1.2.3"
        );
    }

    #[test]
    fn what_is_not_for_the_gpu_passes_through() {
        for text in [
            "-vV",
            "--crate-name b -C metadata=a --target x86_64-unknown-linux-gnu",
        ] {
            assert_eq!(stable(args(text), &package(), Some("/x")), args(text));
        }
    }
}
