//! `cargo xtask bench`: the benchmarks on this machine.

use crate::{Failure, args::Args, sh};

pub(crate) const HELP: &str = "\
cargo xtask bench [NAME] [-- ARGS]

Runs the benchmarks of imagecuda with the feature `cuda`: all, or the one of that name.
ARGS go to the benchmark.
";

pub(crate) fn run(args: &mut Args) -> Result<(), Failure> {
    let name = args.positional();
    args.finish()?;
    let mut cargo = sh::cargo();
    cargo.args(["bench", "--package", "imagecuda", "--features", "cuda"]);
    // A pattern and not --benches, which includes the library's unit tests.
    cargo.args(["--bench", name.as_deref().unwrap_or("*")]);
    if !args.rest.is_empty() {
        cargo.arg("--").args(&args.rest);
    }
    sh::run(&mut cargo)
}
