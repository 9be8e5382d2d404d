//! Conversions from and to the types of other libraries.

#[cfg(feature = "cudarc")]
mod cudarc;
#[cfg(feature = "dlpack")]
pub mod dlpack;
#[cfg(feature = "image")]
mod image;
#[cfg(feature = "ndarray")]
mod ndarray;

#[cfg(feature = "image")]
pub use self::image::HostImage;
#[cfg(feature = "ndarray")]
pub use self::ndarray::ArraySample;
