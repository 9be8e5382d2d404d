//! JPEG, with the pixels of libjpeg-turbo (its integer DCT `islow`, its "fancy" upsampling), bit
//! for bit.
//!
//! Entropy decoding:
//!
//! - [`decoder`]: the algorithm, with a glossary. **Start here.**
//! - [`scan`]: a scan, its segments and subsequences.
//! - [`sections`]: the first pass, and how it is joined; [`groups`]: the second pass, and DC.
//! - [`huffman`], [`table_entry`], [`bits`]: codes, decoded from any bit of the data.
//! - [`stuffing`]: the data without what a file adds to them.
//! - [`jobs`]: the arguments of the kernels.
//! - `cpu_emulation`: the kernels on the CPU.
//! - [`progressive`]: the blocks of progressive files.
//!
//! Pixels:
//!
//! - [`picture`]: where coefficients and samples are in memory.
//! - [`idct`]: coefficients to samples; [`idct_reduced`]: to fewer samples, of a picture that is
//!   [`scaled`] down.
//! - [`upsample`]: a sample for every pixel; [`color`]: samples to RGB or CMYK; [`pixel`]: the two
//!   together; [`tile`]: the same, for two rows of eight pixels.
//!
//! [`encode`] goes the other way.

pub mod bits;
pub mod color;
#[cfg(not(target_arch = "nvptx64"))]
pub mod cpu_emulation;
pub mod decoder;
pub mod encode;
pub mod groups;
pub mod huffman;
pub mod idct;
pub mod idct_reduced;
pub mod jobs;
pub mod picture;
pub mod pixel;
pub mod progressive;
pub mod scaled;
pub mod scan;
pub mod sections;
pub mod stuffing;
pub mod table_entry;
pub mod tile;
pub mod upsample;
