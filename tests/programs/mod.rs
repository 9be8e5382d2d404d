//! The examples as their users run them.

mod convert;
mod examples;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [convert::trials(), examples::trials()];
    trials.into_iter().flatten().collect()
}
