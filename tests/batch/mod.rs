//! Many files at a time, and spans.

mod decoded;
mod grouped;
mod loader;
mod pipeline;
mod progressive;
mod tensor_oracle;
mod tensors;
#[cfg(feature = "tracing")]
mod tracing;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [
        decoded::trials(),
        grouped::trials(),
        loader::trials(),
        pipeline::trials(),
        progressive::trials(),
        tensor_oracle::trials(),
        tensors::trials(),
        #[cfg(feature = "tracing")]
        tracing::trials(),
    ];
    trials.into_iter().flatten().collect()
}
