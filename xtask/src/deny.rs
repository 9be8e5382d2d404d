//! `cargo deny`: licences, duplicates, sources and known faults of what we depend on.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{Failure, sh};

/// Compiled from crates.io.
const PACKAGE: &str = "cargo-deny@0.20.2";

/// What the database of advisories, on GitHub, may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

const CONFIG: &str = "deny.toml";

/// The workspaces, each with a lock file of its own, as far as they are there.
const MANIFESTS: [&str; 4] = [
    "Cargo.toml",
    CANDLE,
    "examples/custom_kernel/Cargo.toml",
    "fuzz/Cargo.toml",
];

/// Most of its crates are candle's, and two versions of some are candle's to mend.
const CANDLE: &str = "examples/candle/Cargo.toml";

/// The small ones need not have all that the first one has.
const FEWER: [&str; 4] = [
    "license-exception-not-encountered",
    "license-not-encountered",
    "unmatched-skip",
    "unnecessary-skip",
];

pub(crate) fn check() -> Result<(), Failure> {
    let found = match find()? {
        Some(program) => Ok(program),
        None if env::var_os("CI").is_some() => install(),
        None => Err(format!("`cargo install --locked {PACKAGE}`")),
    };
    let program = match found {
        Ok(program) => program,
        Err(how) => {
            say!("THE DEPENDENCIES WERE NOT CHECKED, for want of cargo-deny: {how}");
            return Ok(());
        }
    };
    let manifests = MANIFESTS.map(|manifest| sh::root().join(manifest));
    let manifests = manifests.iter().filter(|manifest| manifest.is_file());
    let manifests: Vec<&PathBuf> = manifests.collect();
    for (index, manifest) in manifests.iter().enumerate() {
        let mut deny = command(&program, manifest);
        deny.args(["check", "--hide-inclusion-graph"]);
        if index > 0 {
            FEWER.iter().for_each(|lint| {
                deny.args(["--allow", lint]);
            });
        }
        if manifest.ends_with(CANDLE) {
            deny.args(["--allow", "duplicate"]);
        }
        sh::run(deny.args(["licenses", "bans", "sources"])).map_err(advice)?;
    }

    let mut fetch = command(&program, manifests[0]);
    fetch.args(["fetch", "db"]).stdout(Stdio::null());
    if let Err(failure) = in_time(fetch.stderr(Stdio::null())) {
        say!("ADVISORIES WERE NOT CHECKED: their database cannot be had: {failure}");
        return Ok(());
    }
    for manifest in manifests {
        let mut deny = command(&program, manifest);
        deny.args(["check", "--hide-inclusion-graph", "--disable-fetch"]);
        sh::run(deny.arg("advisories")).map_err(advice)?;
    }
    Ok(())
}

fn advice(failure: Failure) -> Failure {
    format!("{failure}; mend what it names, or say in {CONFIG} why it may be so")
}

fn command(program: &Path, manifest: &Path) -> Command {
    let mut command = sh::command(program);
    command.arg("--locked").arg("--manifest-path").arg(manifest);
    command.arg("--config").arg(sh::root().join(CONFIG));
    // A stalled download ends by itself, should it outlive us.
    let seconds = PATIENCE.as_secs().to_string();
    command.env("GIT_HTTP_LOW_SPEED_LIMIT", "1");
    command.env("GIT_HTTP_LOW_SPEED_TIME", seconds);
    command.env("GIT_TERMINAL_PROMPT", "0");
    command
}

/// The cargo-deny that is there: the one that was asked for, the user's, or ours.
fn find() -> Result<Option<PathBuf>, Failure> {
    let asked = env::var_os("CARGO_DENY").filter(|path| !path.is_empty());
    if let Some(path) = asked.map(PathBuf::from) {
        return match runs(&path) {
            true => Ok(Some(path)),
            false => Err(format!("{} is no cargo-deny that runs", path.display())),
        };
    }
    let usual = [PathBuf::from("cargo-deny"), installed()];
    Ok(usual.into_iter().find(|path| runs(path)))
}

fn runs(path: &Path) -> bool {
    path.to_str()
        .is_some_and(|path| sh::works(path, &["--version"]))
}

fn folder() -> PathBuf {
    sh::target().join("cargo-deny")
}

fn installed() -> PathBuf {
    folder().join("bin/cargo-deny")
}

/// Compiles cargo-deny into the target folder.
fn install() -> Result<PathBuf, Failure> {
    say!("compiling {PACKAGE}, once");
    let build = folder().join("build");
    let mut cargo = sh::cargo();
    cargo.args(["install", "--quiet", "--locked", PACKAGE]);
    cargo.arg("--root").arg(folder());
    cargo.arg("--target-dir").arg(&build);
    sh::run(&mut cargo)?;
    let _ = fs::remove_dir_all(&build);
    Ok(installed())
}

/// Runs `command`, and ends it where it takes too long.
fn in_time(command: &mut Command) -> Result<(), Failure> {
    let name = sh::show(command);
    let mut child = command
        .spawn()
        .map_err(|error| format!("cannot run `{name}`: {error}"))?;
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("`{name}` failed ({status})")),
            Ok(None) => thread::sleep(Duration::from_millis(100)),
            Err(error) => return Err(format!("`{name}`: {error}")),
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(format!("`{name}` took over {} s", PATIENCE.as_secs()))
}
