//! The cargo and rustc that build the kernels, and an environment that is theirs alone.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::Error;

/// What cargo sets for build scripts and programs that it runs, or what users set for the
/// outer build, and what would change the inner one.
const LEAKS: [&str; 13] = [
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_LINKER",
    "TARGET",
    "HOST",
    "OUT_DIR",
    "PROFILE",
    "OPT_LEVEL",
    "DEBUG",
    "MAKEFLAGS",
    "__CARGO_TESTS_ONLY_SRC_ROOT",
];

/// Of the many `CARGO_…` variables, those that say where crates come from stay.
const KEPT: [&str; 7] = [
    "CARGO_HOME",
    "CARGO_NET_",
    "CARGO_HTTP_",
    "CARGO_REGISTRY_",
    "CARGO_REGISTRIES_",
    "CARGO_TERM_",
    "CARGO_SOURCE_",
];

#[derive(Debug)]
pub(crate) struct Toolchain {
    cargo: OsString,
    rustc: OsString,
    folder: PathBuf,
    /// `1.95.0`.
    pub(crate) version: String,
    /// All that `rustc -vV` says.
    pub(crate) verbose_version: String,
    pub(crate) sysroot: PathBuf,
}

impl Toolchain {
    /// The toolchain that cargo would use in `folder`.
    pub(crate) fn find(folder: &Path) -> Result<Self, Error> {
        let mut this = Self {
            cargo: env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
            rustc: env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()),
            folder: folder.to_owned(),
            version: String::new(),
            verbose_version: String::new(),
            sysroot: PathBuf::new(),
        };
        this.verbose_version = this.run(this.rustc_command().arg("-vV"))?;
        this.version = this
            .verbose_version
            .lines()
            .find_map(|line| line.strip_prefix("release: "))
            .unwrap_or_default()
            .to_owned();
        let sysroot = this.run(this.rustc_command().args(["--print", "sysroot"]))?;
        this.sysroot = sysroot.trim().into();
        Ok(this)
    }

    pub(crate) fn cargo_command(&self) -> Command {
        self.command(&self.cargo)
    }

    pub(crate) fn rustc_command(&self) -> Command {
        self.command(&self.rustc)
    }

    /// `program` in the kernel crate's folder, with nothing of the outer build around it.
    pub(crate) fn command(&self, program: &OsString) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).stdin(Stdio::null());
        for (name, _) in env::vars_os() {
            let Some(text) = name.to_str() else { continue };
            let cargo =
                text.starts_with("CARGO_") && !KEPT.iter().any(|kept| text.starts_with(kept));
            if cargo || LEAKS.contains(&text) {
                command.env_remove(&name);
            }
        }
        // A missing toolchain is an error to report, never a download to start.
        command.env("RUSTUP_AUTO_INSTALL", "0");
        command
    }

    /// Runs `command`; its standard output, or the reason why there is none.
    pub(crate) fn run(&self, command: &mut Command) -> Result<String, Error> {
        let output = start(command)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Error::Command {
            command: describe(command),
            status: output.status,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

/// Runs `command` to its end, however it ends.
pub(crate) fn start(command: &mut Command) -> Result<Output, Error> {
    command.output().map_err(|source| Error::Spawn {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })
}

/// The command for a message: the program and its first few arguments.
fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text = program
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for arg in command.get_args().take(4) {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}
