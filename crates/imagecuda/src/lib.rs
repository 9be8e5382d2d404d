//! Image files into GPU memory as float32 RGBA, and back.
//!
//! ```no_run
//! # fn main() -> imagecuda::Result<()> {
//! use imagecuda::{load, save};
//!
//! let image = load("photo.jpg")?; // on the GPU, or on the CPU where there is none
//! println!("{}x{} on {}", image.width(), image.height(), image.device());
//! save(&image, "photo.png")?;
//! # Ok(())
//! # }
//! ```
//!
//! A codec turns a file into pixels in the file's own layout (1 byte a pixel for gray, 3 for
//! RGB, 6 for 16-bit RGB, …), straight into pinned memory; those go up, and a kernel makes
//! float RGBA of them. Saving is the mirror. The kernels are Rust: one body for the GPU and
//! the CPU, which give the same bits.
//!
//! - [`Image`] and [`ImageU8`] hold pixels on a [`Device`], with a capacity within which their
//!   size may change.
//! - [`load`], [`load_into`], [`decode`] and [`LoadOptions`]; [`save`], [`encode`] and
//!   [`SaveOptions`].
//! - [`LoadOptions::frames`] for all pictures of an animation or a document, which `load` gives
//!   the first of; [`SaveOptions::animation`] to save GIF and WebP animations.
//! - [`ImageInfo`] for what a file is and says; [`Metadata`] to take its ICC profile and EXIF
//!   along.
//! - [`batch`] for many files at a time, on all cores and several devices.
//! - `Image::from_image` and `to_rgba_image` (feature `image`) for the `image` crate's types,
//!   `from_array` and `to_array` (feature `ndarray`) for arrays; `as_device_ptr`, `Device::stream`
//!   and the re-exported `cust` (feature `cuda`) for kernels of your own.
//! - The feature `dlpack` hands images to PyTorch and other libraries without a copy, and takes
//!   their tensors: `Image::into_dlpack` and `from_dlpack`, in the module `dlpack`.
//! - [`convert_u8_to_float`], [`convert_float_to_u8`], `upload`, `download` and `copy_from`.
//! - [`Image::map_pixels`] for your own work on every pixel, on the CPU and, as a kernel, on a
//!   GPU.
//!
//! # Numbers
//!
//! 8-bit samples become `x / 255.0`, 16-bit samples `x / 65535.0`, float samples stay. Floats
//! become 8 bits as `clamp(v, 0, 1) * 255 + 0.5`, truncated, 16 bits likewise with 65535; NaN is
//! 0. Gray becomes R = G = B, and alpha that a file does not have is 1.0. OpenEXR and Radiance HDR hold linear light: the
//! sRGB curve, extended past 1.0, is applied on load and undone on save, so that every image
//! means the same thing.
//!
//! # Reusing memory
//!
//! ```
//! # fn main() -> imagecuda::Result<()> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("a.png");
//! # imagecuda::save(&imagecuda::Image::new(&imagecuda::Device::cpu(), 64, 48)?, &path)?;
//! # let files = [path];
//! use imagecuda::{Device, Image, ImageU8, load_into_via, save_via};
//!
//! let device = Device::cpu(); // or Device::default()
//! let mut image = Image::new(&device, 4096, 4096)?; // room for 16,777,216 pixels
//! let mut scratch = ImageU8::new(&device, 4096, 4096)?;
//! for file in &files {
//!     load_into_via(file, &mut image, &mut scratch)?;
//!     // … work on the pixels …
//!     save_via(&image, file.with_extension("bmp"), &mut scratch)?;
//! }
//! assert_eq!((image.width(), image.height()), (64, 48));
//! # Ok(())
//! # }
//! ```
#![deny(unsafe_code)]

pub mod batch;
mod codec;
mod color;
mod device;
mod error;
mod format;
mod image;
mod jpeg;
mod limits;
mod load;
mod memory;
mod metadata;
mod options;
mod parallel;
mod picture;
mod save;
mod sink;
#[cfg(test)]
mod tests;
mod trace;

pub use color::ColorPolicy;
pub use device::{Device, DevicePixel};
pub use error::{Error, ErrorKind, Result};
pub use format::Format;
#[cfg(feature = "ndarray")]
pub use image::ArraySample;
#[cfg(feature = "image")]
pub use image::HostImage;
#[cfg(feature = "dlpack")]
pub use image::dlpack;
pub use image::{DeviceImage, Image, ImageU8, convert_float_to_u8, convert_u8_to_float};
pub use imagecuda_kernels::{
    layout::Layout,
    orient::Orientation,
    pixel::{Rgba8, RgbaF32},
};
pub(crate) use limits::Limits;
pub use load::{
    Decoded, Frame, Frames, ImageInfo, decode, decode_from, decode_into, load, load_into,
    load_into_via, load_u8, load_u8_into,
};
pub use metadata::Metadata;
pub use options::{
    Channels, Compression, Depth, JpegDecoder, JpegEncoder, LoadOptions, SaveOptions, Subsampling,
};
pub use save::{AnimationEncoder, Prepared, encode, save, save_u8, save_via};

#[cfg(feature = "cuda")]
pub use cust;

/// The README's code, as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The recipes, as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/cookbook.md")]
struct Cookbook;
