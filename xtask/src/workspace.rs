//! Examples that are workspaces of their own, with lock files of their own.

use std::{fs, path::PathBuf, process::Command};

use crate::{Failure, messages::programs, sh};

pub(crate) struct Example {
    /// The name of its folder, of its package and of its program.
    pub(crate) name: &'static str,
    /// All its packages.
    pub(crate) packages: &'static [&'static str],
}

impl Example {
    /// What names its manifest to cargo.
    fn manifest(&self) -> String {
        format!("--manifest-path=examples/{}/Cargo.toml", self.name)
    }

    /// Cargo for the example, in the folder that everything else is built in.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut cargo = sh::cargo();
        cargo.args(args).args(["--quiet", "--locked"]);
        cargo.arg(self.manifest());
        cargo.arg("--target-dir").arg(sh::target());
        cargo
    }

    /// Builds the program by `cargo`, and says where it is.
    pub(crate) fn build(&self, mut cargo: Command) -> Result<PathBuf, Failure> {
        cargo.arg("--message-format=json-render-diagnostics");
        let built = programs(&sh::listen(&mut cargo)?);
        let program = built.into_iter().find(|program| program.name == self.name);
        program
            .map(|program| program.path)
            .ok_or_else(|| format!("cargo built no {}", self.name))
    }

    pub(crate) fn check_formatting(&self) -> Result<(), Failure> {
        let mut format = sh::cargo();
        format.arg("fmt").arg(self.manifest());
        for package in self.packages {
            format.args(["--package", package]);
        }
        sh::run(format.args(["--", "--check", "-l"]))
    }

    /// Runs the program on the CPU, and checks that it writes the picture that `args` ends with the name of.
    pub(crate) fn run(&self, program: PathBuf, args: &[&str]) -> Result<(), Failure> {
        let output = sh::target().join(format!("{}.png", self.name));
        let _ = fs::remove_file(&output);
        let mut run = sh::command(program);
        run.args(["--device", "cpu"]).args(args);
        sh::run(run.arg(&output))?;
        match output.is_file() {
            true => fs::remove_file(&output).map_err(sh::io(&output)),
            false => Err(format!("{} was not written", output.display())),
        }
    }
}
