//! Images of other libraries, and images for them.

#[cfg(feature = "dlpack")]
pub mod dlpack;
