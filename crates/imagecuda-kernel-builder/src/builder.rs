//! The builder: options in, checked PTX out.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{
    Error, Ptx,
    build::Build,
    messages::{print_metadata, warnings},
    ptx,
    rust_src::{self, RustSrc},
    toolchain::Toolchain,
};

/// Compiles one kernel crate to PTX. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
#[must_use = "nothing happens until `build` is called"]
pub struct KernelBuilder {
    crate_dir: PathBuf,
    arch: String,
    ptx_version: Option<(u32, u32)>,
    release: bool,
    features: Vec<String>,
    default_features: bool,
    rustc_flags: Vec<String>,
    cargo_args: Vec<String>,
    target_dir: Option<PathBuf>,
    copy_to: Option<PathBuf>,
    archives: Vec<PathBuf>,
    rustup: bool,
    print_metadata: Option<bool>,
}

impl KernelBuilder {
    /// A builder for the kernel crate in the folder `crate_dir`. A relative path starts at the
    /// current folder, which for a build script is that of its package.
    pub fn new(crate_dir: impl Into<PathBuf>) -> Self {
        Self {
            crate_dir: crate_dir.into(),
            arch: "sm_52".to_owned(),
            ptx_version: None,
            release: true,
            features: Vec::new(),
            default_features: true,
            rustc_flags: Vec::new(),
            cargo_args: Vec::new(),
            target_dir: None,
            copy_to: None,
            archives: Vec::new(),
            rustup: true,
            print_metadata: None,
        }
    }

    /// The oldest GPU that shall run the kernels, `sm_52` if nothing is said. Drivers compile
    /// PTX for whatever newer GPU they find.
    pub fn arch(mut self, arch: impl Into<String>) -> Self {
        self.arch = arch.into();
        self
    }

    /// The version of the PTX language. The default is 6.0 for GPUs older than `sm_75`
    /// (`shfl.sync` needs it), and for newer ones the oldest that knows them. A driver
    /// refuses PTX newer than itself.
    pub fn ptx_version(mut self, major: u32, minor: u32) -> Self {
        self.ptx_version = Some((major, minor));
        self
    }

    /// `false` turns on debug assertions and overflow checks. The optimiser runs in any case:
    /// without it no kernel that calls into `core` becomes one module.
    pub fn release(mut self, release: bool) -> Self {
        self.release = release;
        self
    }

    /// Turns on a feature of the kernel crate.
    pub fn feature(mut self, feature: impl Into<String>) -> Self {
        self.features.push(feature.into());
        self
    }

    /// Turns on features of the kernel crate.
    pub fn features<S: Into<String>>(mut self, features: impl IntoIterator<Item = S>) -> Self {
        self.features.extend(features.into_iter().map(Into::into));
        self
    }

    /// Whether the kernel crate's default features are on, as they are if nothing is said.
    pub fn default_features(mut self, on: bool) -> Self {
        self.default_features = on;
        self
    }

    /// A flag for the rustc call that compiles the kernel crate itself (not its dependencies),
    /// and with it the whole module.
    pub fn rustc_flag(mut self, flag: impl Into<String>) -> Self {
        self.rustc_flags.push(flag.into());
        self
    }

    /// An argument for cargo, such as `--locked` or `--offline`.
    pub fn cargo_arg(mut self, arg: impl Into<String>) -> Self {
        self.cargo_args.push(arg.into());
        self
    }

    /// Where cargo builds. The default is a folder of its own, under `OUT_DIR` in a build
    /// script and else under the target folder, because the outer cargo has that one locked.
    pub fn target_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.target_dir = Some(folder.into());
        self
    }

    /// The file that receives the PTX. It is left alone if it has the same bytes already.
    pub fn copy_to(mut self, file: impl Into<PathBuf>) -> Self {
        self.copy_to = Some(file.into());
        self
    }

    /// An archive with rust-src, used if it is there and the sysroot has none: rust-lang.org's
    /// own, or one that has the `library` folder at its top.
    pub fn rust_src_archive(mut self, archive: impl Into<PathBuf>) -> Self {
        self.archives.push(archive.into());
        self
    }

    /// Whether `rustup component add rust-src` may be tried, as it is if nothing is said.
    pub fn rustup(mut self, allowed: bool) -> Self {
        self.rustup = allowed;
        self
    }

    /// Whether to print `cargo:rerun-if-changed` lines. If nothing is said: in a build script
    /// only.
    pub fn print_metadata(mut self, print: bool) -> Self {
        self.print_metadata = Some(print);
        self
    }

    /// Builds.
    ///
    /// # Errors
    ///
    /// If the options make no sense, the toolchain or rust-src is missing, the crate does not
    /// compile, or the PTX would not load.
    pub fn build(&self) -> Result<Ptx, Error> {
        let isa = self.isa()?;
        let crate_dir = self.crate_folder()?;
        let toolchain = Toolchain::find(&crate_dir)?;
        let workspace = workspace(&toolchain)?;
        let target_dir = self.work_folder(&workspace)?;
        let rust_src = rust_src::find(&toolchain, &self.archives, self.rustup, &target_dir)?;

        let (text, messages) = Build {
            toolchain: &toolchain,
            crate_dir: &crate_dir,
            target_dir: &target_dir,
            rust_src,
            everywhere: self.everywhere(isa),
            cargo: self.cargo_args(),
            rustc: &self.rustc_flags,
        }
        .run()?;
        ptx::check(&text, &self.arch, isa)?;

        let path = match &self.copy_to {
            Some(file) => {
                write_if_changed(file, &text)?;
                file.clone()
            }
            None => {
                let file = target_dir.join("kernels.ptx");
                write_if_changed(&file, &text)?;
                file
            }
        };
        if self.print_metadata.unwrap_or_else(in_build_script) {
            print_metadata(&crate_dir, &workspace, &target_dir);
        }
        Ok(Ptx {
            text,
            path,
            warnings: warnings(&messages),
        })
    }

    /// Finds rust-src as [`build`](Self::build) would, and builds nothing: its folder `library`.
    /// For tests and tasks that are to be left out where there is none. May unpack an archive, or
    /// let rustup add the component.
    ///
    /// # Errors
    ///
    /// [`Error::NoRustSrc`] if it is nowhere; others if there is no kernel crate or toolchain,
    /// or an archive is of no use.
    pub fn find_rust_src(&self) -> Result<PathBuf, Error> {
        let toolchain = Toolchain::find(&self.crate_folder()?)?;
        let target_dir = self.work_folder(&workspace(&toolchain)?)?;
        match rust_src::find(&toolchain, &self.archives, self.rustup, &target_dir)? {
            RustSrc::Sysroot => Ok(rust_src::in_sysroot(&toolchain)),
            RustSrc::Library(library) => Ok(library),
        }
    }

    fn crate_folder(&self) -> Result<PathBuf, Error> {
        let folder = self.crate_dir.canonicalize().ok();
        let folder = folder.filter(|folder| folder.join("Cargo.toml").is_file());
        folder.ok_or_else(|| Error::NoCrate {
            path: self.crate_dir.clone(),
        })
    }

    /// The ISA version to ask for; `None` leaves it to the architecture.
    fn isa(&self) -> Result<Option<(u32, u32)>, Error> {
        let invalid = |option, value: String, expected| Error::InvalidOption {
            option,
            value,
            expected,
        };
        let number = self
            .arch
            .strip_prefix("sm_")
            .map(|rest| rest.trim_end_matches(['a', 'f']));
        let Some(number) = number.and_then(|digits| digits.parse::<u32>().ok()) else {
            return Err(invalid(
                "arch",
                self.arch.clone(),
                "a GPU architecture such as sm_52",
            ));
        };
        match self.ptx_version {
            Some((major, minor)) if minor > 9 => {
                let value = format!("{major}.{minor}");
                Err(invalid("ptx_version", value, "a version such as 6, 0"))
            }
            Some(version) => Ok(Some(version)),
            None if number < 75 => Ok(Some((6, 0))),
            None => Ok(None),
        }
    }

    /// rustc flags for every crate, `core` included: functions for different targets cannot
    /// be inlined into each other.
    fn everywhere(&self, isa: Option<(u32, u32)>) -> Vec<String> {
        let mut flags = vec![
            format!("-Ctarget-cpu={}", self.arch),
            "-Csymbol-mangling-version=v0".to_owned(),
            // Without these, LLVM and rustc take a call of a function with a barrier or a vote
            // for one that they may copy into both branches of an `if`. The threads of a warp
            // would then wait for each other at two places, for ever.
            "-Cllvm-args=-force-attribute=convergent".to_owned(),
            "-Zmir-enable-passes=-JumpThreading".to_owned(),
        ];
        if let Some((major, minor)) = isa {
            flags.push(format!("-Ctarget-feature=+ptx{major}{minor}"));
        }
        flags
    }

    /// What the options are to cargo. The release profile is given whole, so that neither the
    /// workspace's nor cargo's own counts.
    fn cargo_args(&self) -> Vec<String> {
        let mut args = self.cargo_args.clone();
        let checks = !self.release;
        for setting in [
            "opt-level=3",
            "lto=\"fat\"",
            "panic=\"abort\"",
            "codegen-units=1",
            "debug=false",
            "strip=\"none\"",
            "incremental=false",
            &format!("debug-assertions={checks}"),
            &format!("overflow-checks={checks}"),
        ] {
            args.extend(["--config".to_owned(), format!("profile.release.{setting}")]);
        }
        if !self.features.is_empty() {
            args.extend(["--features".to_owned(), self.features.join(",")]);
        }
        if !self.default_features {
            args.push("--no-default-features".to_owned());
        }
        args
    }

    fn work_folder(&self, workspace: &Path) -> Result<PathBuf, Error> {
        let folder = match (&self.target_dir, env::var_os("OUT_DIR")) {
            (Some(folder), _) => folder.clone(),
            (None, Some(out)) if in_build_script() => Path::new(&out).join("kernel-builder"),
            (None, _) => match env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
                Some(folder) => Path::new(&folder).join("kernel-builder"),
                None => workspace.join("target/kernel-builder"),
            },
        };
        fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        folder.canonicalize().map_err(Error::io(&folder))
    }
}

/// The folder of the workspace that the kernel crate belongs to.
fn workspace(toolchain: &Toolchain) -> Result<PathBuf, Error> {
    let mut cargo = toolchain.cargo_command();
    cargo.args(["locate-project", "--workspace", "--message-format=plain"]);
    let manifest = PathBuf::from(toolchain.run(&mut cargo)?.trim());
    Ok(manifest.parent().unwrap_or(&manifest).to_owned())
}

/// Only cargo's build scripts have a `HOST`.
fn in_build_script() -> bool {
    env::var_os("OUT_DIR").is_some() && env::var_os("HOST").is_some()
}

fn write_if_changed(file: &Path, text: &str) -> Result<(), Error> {
    if fs::read(file).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    if let Some(folder) = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder).map_err(Error::io(folder))?;
    }
    fs::write(file, text).map_err(Error::io(file))
}
