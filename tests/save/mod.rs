//! Images to files: options, and what becomes of what was there.

mod animation;
mod channels;
mod eight_bits;
#[cfg(any(target_os = "linux", windows))]
mod files;
mod options;
#[cfg(target_os = "linux")]
mod overwriting;
mod png;
mod round_trips;
mod save_targets;
#[cfg(target_os = "linux")]
mod streams;
#[cfg(windows)]
mod windows;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [
        eight_bits::trials(),
        animation::trials(),
        channels::trials(),
        options::trials(),
        #[cfg(target_os = "linux")]
        overwriting::trials(),
        png::trials(),
        round_trips::trials(),
        save_targets::trials(),
        #[cfg(target_os = "linux")]
        streams::trials(),
        #[cfg(windows)]
        windows::trials(),
    ];
    trials.into_iter().flatten().collect()
}
