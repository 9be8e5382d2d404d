//! The example with candle: a workspace apart, as the library needs nothing of candle.
//!
//! Its feature `cuda` is not built here: candle then wants a CUDA toolkit.

use crate::{Failure, sh, workspace::Example};

const EXAMPLE: Example = Example {
    name: "candle",
    packages: &["candle"],
};

/// Checks the example, runs its tests, and runs it on the CPU.
pub(crate) fn test() -> Result<(), Failure> {
    EXAMPLE.check_formatting()?;
    sh::run(
        EXAMPLE
            .cargo(&["clippy", "--all-targets"])
            .args(["--", "-D", "warnings"]),
    )?;
    sh::run(&mut EXAMPLE.cargo(&["test"]))?;
    let program = EXAMPLE.build(EXAMPLE.cargo(&["build"]))?;
    EXAMPLE.run(program, &["examples/data", "--mean-picture"])
}
