//! PNG: pixels to a compressed stream.
//!
//! - [`encode`]: the encoder of `Compression::Fast`.

pub mod encode;
