//! What a person on Windows does first, on a machine without a CUDA toolkit: README's line makes an empty
//! one, and cargo builds what looks for it.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{System, symlink, wine};
use crate::{Failure, sh};

/// README's line for machines without a toolkit begins so.
const LINE: &str = r#"cmd /c ""#;

const MANIFEST: &str = "\
[package]
name = \"hello\"
version = \"0.1.0\"
edition = \"2024\"

[workspace]
";

/// What cust's build script needs, here as a program: all that the script does is in this crate.
const DEPENDENCY: &str = "
[dependencies]
find_cuda_helper = \"*\"
";

/// The build scripts of cust and of cust_raw, word for word.
const BUILD_SCRIPT: &str = "\
fn main() {
    find_cuda_helper::include_cuda();
}
";

/// How the build scripts end that have found nothing.
const NOTHING: &str = "Could not find a cuda installation";

/// Names that lead the build scripts to a toolkit.
const VARIABLES: [&str; 4] = [
    "CUDA_LIBRARY_PATH",
    "CUDA_PATH",
    "CUDA_ROOT",
    "CUDA_TOOLKIT_ROOT_DIR",
];

struct Host<'a> {
    system: &'a System,
    toolchain: PathBuf,
    /// Of the new package, on Wine's drive C, above which no configuration of cargo is found.
    folder: PathBuf,
}

/// The build script of cust, built for Windows and run by Wine, before README's line and after it.
pub(super) fn check_line(system: &System) -> Result<(), Failure> {
    let folder = super::folder().join("line");
    remove(&folder)?;
    new_package(&folder, &format!("{MANIFEST}{DEPENDENCY}"), BUILD_SCRIPT)?;
    let mut build = system.cargo_for_any("build")?;
    let manifest = folder.join("Cargo.toml");
    sh::run(build.args([OsStr::new("--manifest-path"), manifest.as_os_str()]))?;
    let program = super::folder().join(system.target).join("debug/hello.exe");
    let script = || {
        let mut script = system.command(&program);
        script.env("TARGET", system.target);
        VARIABLES.iter().for_each(|name| {
            script.env_remove(name);
        });
        script
    };
    follow_line(system, script, |said| {
        match said.contains(r"cargo:rustc-link-search=native=C:/CUDA\lib\x64") {
            true => Ok(()),
            false => Err(format!("the build script has found something else: {said}")),
        }
    })
}

/// Cargo and rustc of Windows, run by Wine, add the library to a new program and build what looks for a
/// toolkit. The rest cannot be built there: libraries of Windows are linked by way of MinGW's assembler,
/// which is no part of a toolchain.
pub(super) fn check(system: &System) -> Result<(), Failure> {
    let host = Host {
        system,
        toolchain: toolchain(system.target)??,
        folder: wine::drive().join("hello"),
    };
    remove(&host.folder)?;
    host.prepare()?;
    let library = windows_path(&sh::root().join("crates/imagecuda"));
    let add = ["add", "--offline", "--path", &library, "--features", "cuda"];
    sh::run(&mut host.cargo(&add))?;
    let build = || host.cargo(&["build", "--offline", "--package", "cust_raw"]);
    follow_line(system, build, |_| Ok(()))?;
    // With the build scripts of it and of cust_raw.
    sh::run(&mut host.cargo(&["build", "--offline", "--package", "cust"]))
}

/// Runs what looks for a toolkit before README's line, when it must find nothing, and after it. Without
/// the former the latter would show nothing.
fn follow_line(
    system: &System,
    command: impl Fn() -> Command,
    check: impl FnOnce(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    remove(&wine::drive().join("CUDA"))?;
    match sh::read(&mut command()) {
        Err(said) if said.contains(NOTHING) => {}
        Err(said) => return Err(said),
        Ok(_) => return Err("a toolkit was found without README's line".to_owned()),
    }
    let line = line()?;
    say!("cmd /c \"{line}\"");
    let mut cmd = system.command(Path::new("cmd"));
    sh::run(cmd.args(["/c", &line]))?;
    check(&sh::read(&mut command())?)
}

fn remove(folder: &Path) -> Result<(), Failure> {
    match folder.is_dir() {
        true => fs::remove_dir_all(folder).map_err(sh::io(folder)),
        false => Ok(()),
    }
}

/// A package with the versions that the workspace has.
fn new_package(folder: &Path, manifest: &str, main: &str) -> Result<(), Failure> {
    let write = |path: PathBuf, text: &str| fs::write(&path, text).map_err(sh::io(&path));
    let source = folder.join("src");
    fs::create_dir_all(&source).map_err(sh::io(&source))?;
    write(folder.join("Cargo.toml"), manifest)?;
    write(source.join("main.rs"), main)?;
    let lock = folder.join("Cargo.lock");
    fs::copy(sh::root().join("Cargo.lock"), &lock).map_err(sh::io(&lock))?;
    Ok(())
}

/// What README has a person run who has no toolkit.
fn line() -> Result<String, Failure> {
    let readme = sh::root().join("README.md");
    let text = fs::read_to_string(&readme).map_err(sh::io(&readme))?;
    let line = text
        .split_once(LINE)
        .and_then(|(_, rest)| rest.split_once('"'));
    Ok(line
        .ok_or("README.md has no line for Windows")?
        .0
        .to_owned())
}

/// The toolchain of Windows, of the same release and beside this system's; or how to have it.
pub(super) fn toolchain(target: &str) -> Result<Result<PathBuf, Failure>, Failure> {
    let rustc = |args: &[&str]| sh::read(sh::command("rustc").args(args));
    let sysroot = rustc(&["--print", "sysroot"])?;
    let version = rustc(&["-vV"])?;
    let release = version
        .lines()
        .find_map(|line| line.strip_prefix("release: "));
    let name = format!("{}-{target}", release.unwrap_or_default());
    let toolchain = Path::new(sysroot.trim()).with_file_name(&name);
    Ok(match toolchain.join("bin/cargo.exe").is_file() {
        true => Ok(toolchain),
        false => Err(format!(
            "Windows' own cargo is missing; rustup toolchain install {name} --force-non-host --profile minimal"
        )),
    })
}

/// Wine's name for a file of Linux.
fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.to_string_lossy().replace('/', "\\"))
}

impl Host<'_> {
    /// A new package, and a home for cargo with the sources of all that it may need.
    fn prepare(&self) -> Result<(), Failure> {
        new_package(&self.folder, MANIFEST, "fn main() {}\n")?;
        sh::run(sh::cargo().args(["fetch", "--locked", "--target", self.system.target]))?;
        // Only sources are shared: the two cargos know nothing of each other's locks.
        let ours = match env::var_os("CARGO_HOME") {
            Some(home) => PathBuf::from(home),
            None => PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cargo"),
        };
        let registry = self.folder.join("home/registry");
        fs::create_dir_all(&registry).map_err(sh::io(&registry))?;
        for name in ["cache", "index"] {
            let link = registry.join(name);
            let sources = ours.join("registry").join(name);
            symlink(&sources, &link).map_err(sh::io(&link))?;
        }
        Ok(())
    }

    /// Cargo of Windows, in the package's folder, with nothing that the workspace sets.
    fn cargo(&self, args: &[&str]) -> Command {
        let binary = |name: &str| self.toolchain.join("bin").join(name);
        let mut cargo = self.system.command(&binary("cargo.exe"));
        for name in VARIABLES {
            cargo.env_remove(name);
        }
        cargo
            .args(args)
            .current_dir(&self.folder)
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CARGO")
            .env("RUSTC", windows_path(&binary("rustc.exe")))
            .env("CARGO_HOME", windows_path(&self.folder.join("home")));
        cargo
    }
}
