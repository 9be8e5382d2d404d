//! PNG: from deflated data to pixels, and from pixels to deflated data.
//!
//! - [`decoder`]: the algorithm that decodes, with a glossary. **Start here.**
//! - [`block`]: what a kernel of the decoder needs of the machine that runs it, a GPU or a CPU.
//! - `cpu_emulation`: that of the CPU.
//! - [`encode`]: the encoder of `Compression::Fast`.

pub mod block;
#[cfg(not(target_arch = "nvptx64"))]
#[allow(
    missing_docs,
    missing_debug_implementations,
    reason = "for the host's side of this library alone"
)]
pub mod cpu_emulation;
#[allow(
    missing_docs,
    missing_debug_implementations,
    reason = "the words that kernels share are explained in groups"
)]
pub mod decoder;
pub mod encode;
