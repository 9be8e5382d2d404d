//! The sources of the standard library: where they are, or how to get them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{Error, toolchain::Toolchain};

/// rustup either answers in seconds or waits for a network that is not there.
const RUSTUP_PATIENCE: Duration = Duration::from_secs(120);

/// Where `core` is compiled from.
#[derive(Debug, PartialEq)]
pub(crate) enum RustSrc {
    /// Where cargo looks by itself.
    Sysroot,
    /// A `library` folder elsewhere.
    Library(PathBuf),
}

/// Finds rust-src, in the order that the crate's documentation gives.
pub(crate) fn find(
    toolchain: &Toolchain,
    archives: &[PathBuf],
    rustup: bool,
    target_dir: &Path,
) -> Result<RustSrc, Error> {
    let mut tried = Vec::new();
    let version = &toolchain.version;

    let in_sysroot = in_sysroot(toolchain);
    if is_library(&in_sysroot) {
        return Ok(RustSrc::Sysroot);
    }
    tried.push(format!("{}: not there", in_sysroot.display()));

    let unpacked = target_dir.join(format!("rust-src-{version}"));
    if let Some(library) = library_in(&unpacked) {
        return Ok(RustSrc::Library(library));
    }
    match env::var_os("RUST_SRC_ARCHIVE").filter(|value| !value.is_empty()) {
        // Asked for by name, so nothing else will do.
        Some(archive) => {
            return unpack(toolchain, Path::new(&archive), &unpacked).map(RustSrc::Library);
        }
        None => tried.push("RUST_SRC_ARCHIVE: not set".to_owned()),
    }
    for archive in archives {
        if !archive.is_file() {
            tried.push(format!("{}: not there", archive.display()));
            continue;
        }
        match unpack(toolchain, archive, &unpacked) {
            Ok(library) => return Ok(RustSrc::Library(library)),
            Err(error) => tried.push(error.to_string()),
        }
    }

    if rustup {
        match add_component(toolchain) {
            Ok(()) if is_library(&in_sysroot) => return Ok(RustSrc::Sysroot),
            Ok(()) => tried.push("rustup component add rust-src: added nothing".to_owned()),
            Err(reason) => tried.push(format!("rustup component add rust-src: {reason}")),
        }
    }

    let debian = PathBuf::from(format!("/usr/src/rustc-{version}/library"));
    if is_library(&debian) {
        return Ok(RustSrc::Library(debian));
    }
    tried.push(format!("{}: not there", debian.display()));
    Err(Error::NoRustSrc {
        version: version.clone(),
        tried,
    })
}

/// Where the sysroot has `library`, if rust-src is in it.
pub(crate) fn in_sysroot(toolchain: &Toolchain) -> PathBuf {
    toolchain.sysroot.join("lib/rustlib/src/rust/library")
}

/// `library` as rustc's sources have it: the lock file is what cargo starts from.
fn is_library(folder: &Path) -> bool {
    folder.join("core/src/lib.rs").is_file() && folder.join("Cargo.lock").is_file()
}

/// The `library` folder of an unpacked archive: at its top, or where the official archive
/// has it.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let tops = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    tops.flat_map(|top| {
        let official = top.join("rust-src/lib/rustlib/src/rust/library");
        [top.join("library"), official, top]
    })
    .find(|candidate| is_library(candidate))
}

fn unpack(toolchain: &Toolchain, archive: &Path, into: &Path) -> Result<PathBuf, Error> {
    let bad = |reason: String| Error::RustSrcArchive {
        path: archive.to_owned(),
        reason,
    };
    if let Some(other) = other_version(archive, &toolchain.version) {
        let needed = &toolchain.version;
        return Err(bad(format!(
            "it is of Rust {other}, and {needed} is needed"
        )));
    }
    let archive = fs::canonicalize(archive).map_err(|error| bad(error.to_string()))?;
    // Beside its place first: a folder of the right name is a complete one.
    let fresh = into.with_extension(format!("{}.tmp", std::process::id()));
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh).map_err(Error::io(&fresh))?;
    let tar = Command::new("tar")
        .arg("-xf")
        .arg(&archive)
        .arg("-C")
        .arg(&fresh)
        .stdin(Stdio::null())
        .output();
    let outcome = match tar {
        Ok(output) if output.status.success() => match library_in(&fresh) {
            Some(_) => Ok(()),
            None => Err(bad("there is no `library` folder in it".to_owned())),
        },
        Ok(output) => {
            let stderr = String::from_utf8_lossy(&output.stderr);
            Err(bad(format!(
                "tar cannot unpack it (is xz installed?): {}",
                stderr.trim()
            )))
        }
        Err(error) => Err(bad(format!("`tar` is needed to unpack it: {error}"))),
    };
    // Another build may have been faster, and its copy is as good.
    if outcome.is_ok() && library_in(into).is_none() {
        let _ = fs::remove_dir_all(into);
        let _ = fs::rename(&fresh, into);
    }
    let _ = fs::remove_dir_all(&fresh);
    outcome?;
    library_in(into).ok_or_else(|| bad(format!("cannot be moved to {}", into.display())))
}

/// The version in the archive's name, if it has one and it is not `version`.
fn other_version(archive: &Path, version: &str) -> Option<String> {
    let name = archive.file_name()?.to_str()?;
    let found: String = name
        .strip_prefix("rust-src-")?
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let found = found.trim_end_matches('.');
    (!found.is_empty() && found != version).then(|| found.to_owned())
}

/// Has rustup add rust-src to the toolchain, if the toolchain is rustup's.
fn add_component(toolchain: &Toolchain) -> Result<(), String> {
    let sysroot = &toolchain.sysroot;
    let parent = sysroot.parent().and_then(Path::file_name);
    let name = match (parent, sysroot.file_name()) {
        (Some(parent), Some(name)) if parent == "toolchains" => name,
        _ => return Err("the toolchain is not rustup's".to_owned()),
    };
    let mut child = toolchain
        .command(&"rustup".into())
        .args(["component", "add", "rust-src", "--toolchain"])
        .arg(name)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(status.to_string()),
            Ok(None) if start.elapsed() < RUSTUP_PATIENCE => {
                thread::sleep(Duration::from_millis(50));
            }
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("no answer within {} s", RUSTUP_PATIENCE.as_secs()));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_of_another_version_is_told_by_its_name() {
        let other = |name: &str| other_version(Path::new(name), "1.95.0");
        assert_eq!(other("a/rust-src-1.95.0.tar.xz"), None);
        assert_eq!(other("a/rust-src-1.94.1.tar.xz"), Some("1.94.1".to_owned()));
        assert_eq!(other("a/library.tar.xz"), None);
        assert_eq!(other("a/rust-src-nightly.tar.xz"), None);
    }
}
