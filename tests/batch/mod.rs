//! Many files at a time, and spans.

mod loader;
mod pipeline;
mod tensors;
#[cfg(feature = "tracing")]
mod tracing;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [
        loader::trials(),
        pipeline::trials(),
        tensors::trials(),
        #[cfg(feature = "tracing")]
        tracing::trials(),
    ];
    trials.into_iter().flatten().collect()
}
