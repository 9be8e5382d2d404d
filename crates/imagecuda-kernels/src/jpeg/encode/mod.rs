//! JPEG files, as libjpeg-turbo writes them: the same coefficients (its integer DCT `islow`), the
//! same bits.
//!
//! - [`frame`]: the picture in data units.
//! - [`sample`]: pixels to samples; [`fdct`]: samples to coefficients.
//! - [`coding`]: coefficients to Huffman codes; [`bits`]: those in memory.
//! - [`stuffing`]: what a file adds.
//! - [`jobs`]: what a launch is told.
//! - `cpu_emulation`: the kernels on the host.

pub mod bits;
pub mod coding;
#[cfg(not(target_arch = "nvptx64"))]
pub mod cpu_emulation;
pub mod fdct;
pub mod frame;
pub mod jobs;
pub mod sample;
pub mod stuffing;
