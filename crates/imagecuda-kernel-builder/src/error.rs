//! What can go wrong between a kernel crate and its PTX.

use std::{fmt, io, path::PathBuf, process::ExitStatus};

/// Why [`KernelBuilder::build`](crate::KernelBuilder::build) gave no PTX.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// There is no `Cargo.toml` where the kernel crate should be.
    NoCrate {
        /// The folder that was asked for.
        path: PathBuf,
    },
    /// An option has a value that cannot be right.
    InvalidOption {
        /// Which option.
        option: &'static str,
        /// What was given.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A program that the build needs could not be started.
    Spawn {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// A program that the build needs failed.
    Command {
        /// The command, shortened.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard error.
        stderr: String,
    },
    /// The sources of the standard library, needed to compile `core` for the GPU, are
    /// nowhere.
    NoRustSrc {
        /// The version that is needed, exactly.
        version: String,
        /// Where it was looked for, and what was found there.
        tried: Vec<String>,
    },
    /// The archive with the standard library's sources cannot be used.
    RustSrcArchive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The kernel crate did not compile.
    Compile {
        /// The compiler's messages.
        messages: String,
    },
    /// The build succeeded and wrote no PTX.
    NoOutput {
        /// Where it should have been.
        path: PathBuf,
    },
    /// The PTX calls functions that nothing defines, so no driver would load it.
    Unresolved {
        /// Their names.
        symbols: Vec<String>,
    },
    /// The PTX has no kernel in it.
    NoEntries,
    /// The PTX is for another target or ISA version than was asked for.
    WrongTarget {
        /// What was asked for.
        asked: String,
        /// The line that the PTX has.
        found: String,
    },
    /// A file or folder could not be read or written.
    Io {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCrate { path } => {
                write!(
                    f,
                    "no kernel crate at {}: it has no Cargo.toml",
                    path.display()
                )
            }
            Self::InvalidOption {
                option,
                value,
                expected,
            } => {
                write!(f, "{option} cannot be `{value}`: expected {expected}")
            }
            Self::Spawn { program, source } => write!(f, "cannot run `{program}`: {source}"),
            Self::Command {
                command,
                status,
                stderr,
            } => {
                write!(f, "`{command}` failed ({status})")?;
                match stderr.trim() {
                    "" => Ok(()),
                    text => write!(f, ":\n{text}"),
                }
            }
            Self::NoRustSrc { version, tried } => {
                write!(
                    f,
                    "the sources of Rust {version}'s standard library (rust-src) are needed and \
                     not there. Run `rustup component add rust-src`, or set RUST_SRC_ARCHIVE to a \
                     copy of rust-src-{version}.tar.xz, which rust-lang.org distributes. Tried:"
                )?;
                tried.iter().try_for_each(|line| write!(f, "\n  - {line}"))
            }
            Self::RustSrcArchive { path, reason } => {
                write!(
                    f,
                    "cannot use the rust-src archive {}: {reason}",
                    path.display()
                )
            }
            Self::Compile { messages } => {
                write!(f, "the kernel crate does not compile:\n{}", messages.trim())
            }
            Self::NoOutput { path } => {
                write!(
                    f,
                    "the compiler succeeded but wrote no PTX to {}",
                    path.display()
                )
            }
            Self::Unresolved { symbols } => write!(
                f,
                "the PTX calls what nothing defines: {}. Is something compiled outside of LTO, \
                 or declared `extern \"C\"` and never written?",
                symbols.join(", ")
            ),
            Self::NoEntries => f.write_str(
                "the PTX has no kernel: is a feature missing, or `#[unsafe(no_mangle)]` on the \
                 `extern \"ptx-kernel\"` functions?",
            ),
            Self::WrongTarget { asked, found } => {
                write!(f, "asked for {asked}, but the PTX says `{found}`")
            }
            Self::Io { path, source } => write!(f, "{}: {source}", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Spawn { source, .. } | Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
