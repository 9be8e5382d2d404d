//! What a person on Windows does first: cargo and rustc of Windows, run by Wine, add the library to a new
//! program and build what looks for a CUDA toolkit, on a machine without one. The rest cannot be built
//! there: libraries of Windows are linked by way of MinGW's assembler, which is no part of a toolchain.

use std::{
    env, fs,
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

struct Host<'a> {
    system: &'a System,
    toolchain: PathBuf,
    /// Of the new package, on Wine's drive C, above which no configuration of cargo is found.
    folder: PathBuf,
}

pub(super) fn check(system: &System) -> Result<(), Failure> {
    let drive = wine::drive();
    let host = Host {
        system,
        toolchain: toolchain(system.target)?,
        folder: drive.join("hello"),
    };
    for folder in [&host.folder, &drive.join("CUDA")] {
        if folder.is_dir() {
            fs::remove_dir_all(folder).map_err(sh::io(folder))?;
        }
    }
    host.prepare()?;
    let library = windows_path(&sh::root().join("crates/imagecuda"));
    let add = ["add", "--offline", "--path", &library, "--features", "cuda"];
    sh::run(&mut host.cargo(&add))?;
    // Without README's line cust's build script finds nothing, or what follows would show nothing.
    match sh::read(&mut host.cargo(&["build", "--offline", "--package", "cust_raw"])) {
        Err(said) if said.contains("Could not find a cuda installation") => {}
        Err(said) => return Err(said),
        Ok(_) => return Err("it was built without README's line".to_owned()),
    }
    let line = line()?;
    say!("cmd /c \"{line}\"");
    let mut cmd = system.command(Path::new("cmd"));
    sh::run(cmd.args(["/c", &line]))?;
    // With the build scripts of it and of cust_raw.
    sh::run(&mut host.cargo(&["build", "--offline", "--package", "cust"]))
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

/// The toolchain of Windows, of the same release and beside this system's.
fn toolchain(target: &str) -> Result<PathBuf, Failure> {
    let rustc = |args: &[&str]| sh::read(sh::command("rustc").args(args));
    let sysroot = rustc(&["--print", "sysroot"])?;
    let version = rustc(&["-vV"])?;
    let release = version
        .lines()
        .find_map(|line| line.strip_prefix("release: "));
    let name = format!("{}-{target}", release.unwrap_or_default());
    let toolchain = Path::new(sysroot.trim()).with_file_name(&name);
    match toolchain.join("bin/cargo.exe").is_file() {
        true => Ok(toolchain),
        false => Err(format!(
            "Windows' own cargo is missing; rustup toolchain install {name} --force-non-host --profile minimal"
        )),
    }
}

/// Wine's name for a file of Linux.
fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.to_string_lossy().replace('/', "\\"))
}

impl Host<'_> {
    /// A new package, and a home for cargo with the sources of all that it may need.
    fn prepare(&self) -> Result<(), Failure> {
        let write = |path: PathBuf, text: &str| fs::write(&path, text).map_err(sh::io(&path));
        let source = self.folder.join("src");
        fs::create_dir_all(&source).map_err(sh::io(&source))?;
        write(self.folder.join("Cargo.toml"), MANIFEST)?;
        write(source.join("main.rs"), "fn main() {}\n")?;
        let lock = self.folder.join("Cargo.lock");
        fs::copy(sh::root().join("Cargo.lock"), &lock).map_err(sh::io(&lock))?;
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
            symlink(ours.join("registry").join(name), &link).map_err(sh::io(&link))?;
        }
        Ok(())
    }

    /// Cargo of Windows, in the package's folder, with nothing that the workspace sets.
    fn cargo(&self, args: &[&str]) -> Command {
        let binary = |name: &str| self.toolchain.join("bin").join(name);
        let mut cargo = self.system.command(&binary("cargo.exe"));
        for name in [
            "CUDA_LIBRARY_PATH",
            "CUDA_PATH",
            "CUDA_ROOT",
            "CUDA_TOOLKIT_ROOT_DIR",
        ] {
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
