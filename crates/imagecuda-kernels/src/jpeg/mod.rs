//! JPEG: the same pixels as libjpeg-turbo's (its integer DCT `islow`, its "fancy" upsampling),
//! bit for bit.
//!
//! - [`picture`]: where coefficients and samples are.
//! - [`huffman`], [`bits`]: codes, read from any place of the data.
//! - [`scan`]: a scan of a sequential file; [`decoder`]: decoded by many threads at once;
//!   [`sections`]: what they know of each other; [`groups`]: which thread decodes what once more;
//!   [`jobs`]: what a launch is told.
//! - [`stuffing`]: the data as scans have them, of those that files have.
//! - [`idct`]: coefficients to samples.
//! - [`upsample`]: a sample for every pixel.
//! - [`color`]: samples to RGB, or inks.
//! - [`pixel`]: the two together.
//! - `cpu_emulation`: the kernels on the host.
//! - [`encode`]: the other way.

pub mod bits;
pub mod color;
#[cfg(not(target_arch = "nvptx64"))]
pub mod cpu_emulation;
pub mod decoder;
pub mod encode;
pub mod groups;
pub mod huffman;
pub mod idct;
pub mod jobs;
pub mod picture;
pub mod pixel;
pub mod scan;
pub mod sections;
pub mod stuffing;
pub mod table_entry;
pub mod upsample;
