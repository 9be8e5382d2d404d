//! A process can load a driver once, and so each test has a child process that does:
//! the test program itself, told to run its one ignored test, `probe`.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{
    collections::BTreeMap,
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// Set in the child, so that `cargo test -- --ignored` does not probe a real driver
/// with made-up arguments.
const IN_CHILD: &str = "CUDA_DELAY_LOAD_TEST_PROBE";
const PREFIX: &str = "probe> ";

/// A folder for one test, removed with it.
pub(crate) fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder")
}

/// Compiles the fake driver to `folder/name`.
pub(crate) fn fake_driver(folder: &TempDir, name: &str, flags: &[&str]) -> PathBuf {
    let library = folder.path().join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake/libcuda.rs");
    let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition", "2024", "--crate-type", "cdylib"])
        .args(["--crate-name", "fake", "--check-cfg", "cfg(without_init)"])
        .args(flags)
        .arg("-o")
        .args([&library, &source])
        .output()
        .expect("rustc runs");
    assert!(
        output.status.success(),
        "rustc: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    library
}

/// What the probe in a child process said, by key.
#[derive(Debug)]
pub(crate) struct Report(BTreeMap<String, String>);

impl Report {
    /// Fails the test unless the probe said exactly this.
    #[track_caller]
    pub(crate) fn expect(&self, key: &str, value: &str) {
        assert_eq!(self.get(key), value, "{key} in {:#?}", self.0);
    }

    #[track_caller]
    pub(crate) fn get(&self, key: &str) -> &str {
        let value = self.0.get(key);
        value.unwrap_or_else(|| panic!("no {key} in {:#?}", self.0))
    }
}

/// Runs the probe with these environment variables.
pub(crate) fn probe(variables: &[(&str, &OsStr)]) -> Report {
    let output = Command::new(env::current_exe().expect("the test program's own path"))
        .args(["--exact", "probe", "--ignored", "--nocapture"])
        .env_remove("LD_LIBRARY_PATH")
        .env_remove(cuda_delay_load::PATH_VARIABLE)
        .env(IN_CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .expect("the test program runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {text}", output.status);
    let lines = text.lines().filter_map(|line| line.strip_prefix(PREFIX));
    let pairs = lines.filter_map(|line| line.split_once('='));
    Report(pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
}

/// Whether this is the child process.
pub(crate) fn is_child() -> bool {
    env::var_os(IN_CHILD).is_some()
}

/// Tells the parent something.
pub(crate) fn tell(key: &str, value: impl std::fmt::Debug) {
    eprintln!("{PREFIX}{key}={value:?}");
}
