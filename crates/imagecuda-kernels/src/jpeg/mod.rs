//! JPEG: the same pixels as libjpeg-turbo's (its integer DCT `islow`, its "fancy" upsampling),
//! bit for bit.
//!
//! - [`picture`]: where coefficients and samples are.
//! - [`huffman`], [`bits`]: codes, read from any place of the data.
//! - [`scan`]: a scan of a sequential file, decoded by many threads at once; [`groups`]: which
//!   thread decodes what; [`jobs`]: what a launch is told.

pub mod bits;
pub mod groups;
pub mod huffman;
pub mod jobs;
pub mod picture;
pub mod scan;
#[cfg(not(target_arch = "nvptx64"))]
pub mod twin;
