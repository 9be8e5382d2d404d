//! A process can load a driver once, and so each test has a child process that does:
//! the test program itself, told to run its one ignored test, `probe`.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{
    collections::BTreeMap,
    env,
    ffi::OsStr,
    fs,
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

/// Puts a fake driver, which cargo has built beside the tests, at `folder/name`.
pub(crate) fn fake_driver(folder: &TempDir, name: &str, example: &str) -> PathBuf {
    let tests = env::current_exe().expect("the test program's own path");
    let examples = tests.parent().expect("a folder").with_file_name("examples");
    let built = format!(
        "{}{example}{}",
        env::consts::DLL_PREFIX,
        env::consts::DLL_SUFFIX
    );
    let library = folder.path().join(name);
    fs::copy(examples.join(&built), &library).unwrap_or_else(|error| {
        panic!("{built}: {error}; run `cargo build --examples` with the tests' flags")
    });
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
    report(&mut command(variables))
}

pub(crate) fn command(variables: &[(&str, &OsStr)]) -> Command {
    command_of(
        &env::current_exe().expect("the test program's own path"),
        variables,
    )
}

/// The probe of a copy of the test program.
pub(crate) fn command_of(program: &Path, variables: &[(&str, &OsStr)]) -> Command {
    // What runs programs where the processor cannot.
    let runner = env::var("IMAGECUDA_TEST_RUNNER").unwrap_or_default();
    let mut words = runner
        .split_whitespace()
        .map(OsStr::new)
        .chain([program.as_os_str()]);
    let mut command = Command::new(words.next().expect("a program"));
    command
        .args(words)
        .args(["--exact", "probe", "--ignored", "--nocapture"])
        .env_remove("LD_LIBRARY_PATH")
        .env_remove(cuda_delay_load::PATH_VARIABLE)
        .env(IN_CHILD, "1")
        .envs(variables.iter().copied());
    command
}

pub(crate) fn report(command: &mut Command) -> Report {
    let output = command.output().expect("the test program runs");
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
