//! PNG: from deflated data to pixels.
//!
//! - [`decoder`]: the algorithm, with a glossary. **Start here.**
//! - [`block`]: what a kernel needs of the machine that runs it, a GPU or a CPU.
//! - `cpu_emulation`: that of the CPU.

#![allow(
    missing_docs,
    missing_debug_implementations,
    reason = "the words that kernels share are explained in groups"
)]

pub mod block;
#[cfg(not(target_arch = "nvptx64"))]
pub mod cpu_emulation;
pub mod decoder;
