//! `cargo xtask asan`: the tests with the address sanitizer.

use crate::{Failure, args::Args, fuzz, sh};

pub(crate) const HELP: &str = "\
cargo xtask asan [FILTER]

Builds and runs the tests of imagecuda and its kernels, on the CPU, with the address sanitizer. C code
that they call is not sanitized, but what it asks of malloc and free is looked at. Left out are tests
that limit the address space, all of which the sanitizer takes for itself.
";

pub(crate) fn run(args: &mut Args) -> Result<(), Failure> {
    let filter = args.positional();
    args.finish()?;
    // Tests run them.
    let mut examples = fuzz::cargo("asan", "-Zsanitizer=address")?;
    sh::run(examples.args(["build", "--package", "imagecuda", "--examples"]))?;
    let mut cargo = fuzz::cargo("asan", "-Zsanitizer=address")?;
    cargo.args([
        "test",
        "--package",
        "imagecuda",
        "--package",
        "imagecuda-kernels",
    ]);
    // Not the doctests, which are linked by another compiler run.
    cargo.args(["--lib", "--test", "*", "--examples", "--no-fail-fast"]);
    cargo.args(filter);
    cargo.args(["--", "--skip", "bombs::", "--skip", "faults::memory::"]);
    sh::run(&mut cargo)
}
