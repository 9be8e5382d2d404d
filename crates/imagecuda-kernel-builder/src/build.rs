//! The one cargo call that everything else prepares.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Error,
    messages::without_noise,
    rust_src::RustSrc,
    shim,
    toolchain::{Toolchain, start},
};

const TARGET: &str = "nvptx64-nvidia-cuda";

/// A build with everything decided.
pub(crate) struct Build<'a> {
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) crate_dir: &'a Path,
    pub(crate) target_dir: &'a Path,
    pub(crate) rust_src: RustSrc,
    /// rustc flags for every crate.
    pub(crate) everywhere: Vec<String>,
    pub(crate) cargo: Vec<String>,
    /// rustc flags for the kernel crate.
    pub(crate) rustc: &'a [String],
}

impl Build<'_> {
    /// The PTX, and what cargo and the compiler said.
    pub(crate) fn run(&self) -> Result<(String, String), Error> {
        let shim = shim::executable(self.toolchain, self.target_dir)?;
        let emitted = self.emitted()?;
        let output = start(&mut self.command(&shim, &emitted))?;
        let messages = String::from_utf8_lossy(&output.stderr);
        let text = fs::read_to_string(&emitted);
        let _ = fs::remove_file(&emitted);
        if !output.status.success() {
            let messages = without_noise(&messages);
            return Err(Error::Compile { messages });
        }
        match text {
            Ok(text) => Ok((format!("{}\n", text.trim_end()), messages.into_owned())),
            Err(_) => Err(Error::NoOutput { path: emitted }),
        }
    }

    /// `-Zno-link`: the assembly is all that is wanted, and the target's own linker is not in
    /// a stable toolchain. Cargo then misses the linked file and never thinks the kernel
    /// crate up to date, which is what makes rustc write the assembly every time.
    fn command(&self, shim: &Path, emitted: &Path) -> Command {
        let mut cargo = self.toolchain.cargo_command();
        cargo
            .args(["rustc", "--release", "--lib", "--crate-type=cdylib"])
            .args(["-Zbuild-std=core", "--target", TARGET, "--color=never"])
            .arg("--target-dir")
            .arg(self.target_dir)
            .arg("--config")
            .arg(build_dir(self.target_dir))
            .args(&self.cargo)
            .args(["--", "-Zno-link"])
            .arg(join("--emit=asm=", emitted))
            .args(self.rustc)
            .env("CARGO_ENCODED_RUSTFLAGS", self.everywhere.join("\x1f"))
            .env("RUSTC_WRAPPER", shim)
            // An empty one wins over the configuration's.
            .env("RUSTC_WORKSPACE_WRAPPER", "")
            .env("RUSTC_BOOTSTRAP", "1");
        if let RustSrc::Library(library) = &self.rust_src {
            cargo.env("__CARGO_TESTS_ONLY_SRC_ROOT", library);
        }
        cargo
    }

    /// The file that rustc writes: one for each crate, set of options and process, because
    /// cargo lets go of its lock before we read.
    fn emitted(&self) -> Result<PathBuf, Error> {
        let options = format!("{:?}{:?}{:?}", self.everywhere, self.cargo, self.rustc);
        let key = shim::fnv1a(&[&self.crate_dir.to_string_lossy(), &options]);
        let file = self
            .target_dir
            .join(format!("{key:016x}-{}.s", std::process::id()));
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io(&file)(error))
            }
            _ => Ok(file),
        }
    }
}

/// A configuration may send intermediate files to one folder for all, which is locked.
fn build_dir(target_dir: &Path) -> OsString {
    let path = target_dir.to_string_lossy();
    let path = path.replace('\\', "\\\\").replace('"', "\\\"");
    format!("build.build-dir=\"{path}\"").into()
}

fn join(flag: &str, path: &Path) -> OsString {
    let mut text = OsString::from(flag);
    text.push(path);
    text
}
