//! Encoding: the coefficients of libjpeg-turbo (its integer DCT `islow`), and the same bytes.
//!
//! - [`frame`]: a picture as data units, in the order of the scan.
//! - [`sample`]: pixels to samples; [`fdct`]: samples to coefficients.
//! - [`coding`]: coefficients to Huffman codes; [`bits`]: codes to memory.
//! - [`stuffing`]: the 0x00 that a file has after each 0xff.
//! - [`jobs`]: the arguments of the kernels.
//! - `cpu_emulation`: the kernels on the CPU.

pub mod bits;
pub mod coding;
#[cfg(not(target_arch = "nvptx64"))]
pub mod cpu_emulation;
pub mod fdct;
pub mod frame;
pub mod jobs;
pub mod sample;
pub mod stuffing;
