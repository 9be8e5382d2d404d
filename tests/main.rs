//! Every test of the library as its users see it, in one program: a dozen would each carry all
//! codecs.
#![deny(unsafe_code)]

mod support;

mod batch;
mod color;
mod hostile;
mod image;
mod jpeg;
mod load;
mod programs;
mod save;

use std::process::ExitCode;

fn main() -> ExitCode {
    support::watch_panics();
    support::unless_a_codec_panicked(start())
}

fn start() -> ExitCode {
    // A test may have started this program for something else.
    #[cfg(target_os = "linux")]
    if let Some(code) = hostile::bombs::child() {
        return code;
    }
    #[cfg(feature = "cuda")]
    if let Some(code) = hostile::faults::driver::child() {
        return code;
    }
    let trials = [
        batch::trials(),
        color::trials(),
        hostile::trials(),
        image::trials(),
        jpeg::trials(),
        load::trials(),
        programs::trials(),
        save::trials(),
    ];
    support::run(trials.into_iter().flatten().collect())
}
