//! Damage, bombs, faults and small stacks.

#[cfg(target_os = "linux")]
pub(crate) mod bombs;
mod failures;
pub(crate) mod faults;
mod fuzz;
#[cfg(unix)]
mod stacks;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [
        #[cfg(target_os = "linux")]
        bombs::trials(),
        failures::trials(),
        faults::trials(),
        fuzz::trials(),
        #[cfg(unix)]
        stacks::trials(),
    ];
    trials.into_iter().flatten().collect()
}
