//! The examples as their users run them.

mod convert;
mod examples;
#[cfg(windows)]
mod windows;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [
        convert::trials(),
        examples::trials(),
        #[cfg(windows)]
        windows::trials(),
    ];
    trials.into_iter().flatten().collect()
}
