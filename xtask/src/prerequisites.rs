//! What `cargo xtask test` needs on a machine, and how it is had.

use crate::{Failure, sh};

/// A program that has to be there.
struct Needed {
    /// How to tell: this runs and succeeds.
    probe: (&'static str, &'static [&'static str]),
    what: &'static str,
    source: Source,
    /// Without it nothing works. Where only ptxas or rust-src needs it, the step that wants it
    /// knows whether it can do without.
    vital: bool,
}

enum Source {
    /// A component of the Rust toolchain.
    Rustup(&'static str),
    /// Packages of Debian and its kin.
    Debian(&'static [&'static str]),
}

const NEEDED: [Needed; 10] = [
    Needed {
        probe: ("cargo", &["fmt", "--version"]),
        what: "rustfmt",
        source: Source::Rustup("rustfmt"),
        vital: true,
    },
    Needed {
        probe: ("cargo", &["clippy", "--version"]),
        what: "clippy",
        source: Source::Rustup("clippy"),
        vital: true,
    },
    Needed {
        probe: ("cc", &["--version"]),
        what: "a C compiler (libwebp is C)",
        source: Source::Debian(&["gcc", "libc6-dev"]),
        vital: true,
    },
    Needed {
        probe: ("c++", &["--version"]),
        what: "a C++ compiler (libheif is C++)",
        source: Source::Debian(&["g++"]),
        vital: true,
    },
    Needed {
        probe: ("cmake", &["--version"]),
        what: "CMake (builds libheif)",
        source: Source::Debian(&["cmake", "make"]),
        vital: true,
    },
    Needed {
        probe: ("pkg-config", &["--version"]),
        what: "pkg-config (finds libheif's codecs)",
        source: Source::Debian(&["pkg-config"]),
        vital: true,
    },
    Needed {
        probe: (
            "pkg-config",
            &["--exists", "libde265", "x265", "aom", "dav1d", "numa"],
        ),
        what: "libheif's codecs",
        source: Source::Debian(&[
            "libde265-dev",
            "libx265-dev",
            "libaom-dev",
            "libdav1d-dev",
            "libnuma-dev",
        ]),
        vital: true,
    },
    Needed {
        probe: ("tar", &["--version"]),
        what: "tar (unpacks rust-src)",
        source: Source::Debian(&["tar"]),
        vital: false,
    },
    Needed {
        probe: ("xz", &["--version"]),
        what: "xz (unpacks rust-src)",
        source: Source::Debian(&["xz-utils"]),
        vital: false,
    },
    Needed {
        probe: ("python3", &["-m", "pip", "--version"]),
        what: "python3 with pip (fetches ptxas)",
        source: Source::Debian(&["python3", "python3-pip"]),
        vital: false,
    },
];

impl Needed {
    fn is_there(&self) -> bool {
        sh::works(self.probe.0, self.probe.1)
    }

    fn advice(&self) -> String {
        match self.source {
            Source::Rustup(component) => {
                format!("{}: rustup component add {component}", self.what)
            }
            Source::Debian(packages) => {
                format!(
                    "{}: on Debian, apt-get install {}",
                    self.what,
                    packages.join(" ")
                )
            }
        }
    }
}

/// Installs what is missing, where that needs no questions, and names what still is.
pub(crate) fn check() -> Result<(), Failure> {
    let missing = || NEEDED.iter().filter(|needed| !needed.is_there());
    let mut packages = Vec::new();
    for needed in missing() {
        match needed.source {
            Source::Rustup(component) => {
                say!("installing {}", needed.what);
                let mut rustup = sh::command("rustup");
                if let Err(failure) = sh::read(rustup.args(["component", "add", component])) {
                    say!("{failure}");
                }
            }
            Source::Debian(names) => packages.extend_from_slice(names),
        }
    }
    if !packages.is_empty() && is_root() && sh::works("apt-get", &["--version"]) {
        say!("installing {}", packages.join(" "));
        let apt = |args: &[&str]| {
            let mut command = sh::command("apt-get");
            command.env("DEBIAN_FRONTEND", "noninteractive").args(args);
            sh::read(&mut command)
        };
        let installed = apt(&["update", "-q"]).and_then(|_| {
            apt(&[
                &["install", "-q", "-y", "--no-install-recommends"],
                &packages[..],
            ]
            .concat())
        });
        if let Err(failure) = installed {
            say!("{failure}");
        }
    }

    let (vital, optional): (Vec<_>, Vec<_>) = missing().partition(|needed| needed.vital);
    for needed in optional {
        say!("missing: {}", needed.advice());
    }
    match vital.is_empty() {
        true => Ok(()),
        false => {
            let lines: Vec<String> = vital.iter().map(|needed| needed.advice()).collect();
            Err(format!("missing:\n  {}", lines.join("\n  ")))
        }
    }
}

fn is_root() -> bool {
    sh::read(sh::command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
