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
    let cargo = |command: &str| -> Result<_, Failure> {
        let mut cargo = fuzz::cargo("asan", "-Zsanitizer=address")?;
        cargo.args([command, "--package", "imagecuda"]);
        // All features but those of a GPU, and of HEIF, whose codecs are C.
        let features = "imagecuda/dlpack,imagecuda/ndarray,imagecuda/tracing";
        cargo.args(["--examples", "--features", features]);
        Ok(cargo)
    };
    // Tests run them.
    sh::run(&mut cargo("build")?)?;
    let mut cargo = cargo("test")?;
    // Not the doctests, which are linked by another compiler run.
    cargo.args(["--package", "imagecuda-kernels"]);
    cargo.args(["--lib", "--test", "*", "--no-fail-fast"]);
    cargo.args(filter);
    cargo.args([
        "--",
        "--skip",
        "hostile::bombs::",
        "--skip",
        "hostile::faults::memory::",
    ]);
    sh::run(&mut cargo)
}
