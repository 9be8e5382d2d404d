//! The project's own commands: `cargo xtask <command>`.
#![forbid(unsafe_code)]

#[macro_use]
#[path = "../../examples/support/say.rs"]
mod say;

mod api;
mod args;
mod asan;
mod bench;
mod bundle;
mod candle;
mod chart;
mod cross;
mod custom_kernel;
mod deny;
mod emulated;
mod fingerprint;
mod fuzz;
mod machine_code;
mod messages;
mod prerequisites;
mod ptx;
mod ptxas;
mod sh;
mod test;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command> [--help]

  ptx      compile the kernels and write kernels.ptx, or check that it is up to date
  api      list what the library makes public, or check that the list is up to date
  test     everything that CI runs
  fuzz     the fuzz targets, with the address sanitizer
  asan     the tests with the address sanitizer
  bundle   tests, examples and benches as programs, for a machine that has only a GPU
  bench    the benchmarks
  chart    docs/saving.svg of docs/saving.tsv
";

/// Why a command stopped, in words for whoever typed it.
type Failure = String;

/// A command's way in.
type Run = fn(&mut args::Args) -> Result<(), Failure>;

fn main() -> ExitCode {
    say::ended("xtask", start())
}

fn start() -> ExitCode {
    let mut args = args::Args::from_env();
    let (help, run): (&str, Run) = match args.command().as_deref() {
        Some("ptx") => (ptx::HELP, ptx::run),
        Some("api") => (api::HELP, api::run),
        Some("test") => (test::HELP, test::run),
        Some("fuzz") => (fuzz::HELP, fuzz::run),
        Some("asan") => (asan::HELP, asan::run),
        Some("bundle") => (bundle::HELP, bundle::run),
        Some("bench") => (bench::HELP, bench::run),
        Some("chart") => (chart::HELP, chart::run),
        None | Some("help" | "--help" | "-h") => {
            say!("{}", HELP.trim_end());
            return ExitCode::SUCCESS;
        }
        Some(other) => {
            complain!("there is no command `{other}`\n\n{}", HELP.trim_end());
            return ExitCode::from(2);
        }
    };
    if args.flag("--help") || args.flag("-h") {
        say!("{}", help.trim_end());
        return ExitCode::SUCCESS;
    }
    match run(&mut args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
