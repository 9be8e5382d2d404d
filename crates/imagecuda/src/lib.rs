//! Image files into GPU memory as float32 RGBA, and back.
//!
//! ```no_run
//! # fn main() -> imagecuda::Result<()> {
//! use imagecuda::Image;
//!
//! let image = Image::load("photo.jpg")?; // on the GPU, or on the CPU where there is none
//! println!("{}x{} on {}", image.width(), image.height(), image.device());
//! image.save("photo.png")?;
//! # Ok(())
//! # }
//! ```
//!
//! A codec turns a file into pixels in the file's own layout (1 byte a pixel for gray, 3 for
//! RGB, 6 for 16-bit RGB, …), straight into pinned memory; those go up, and a kernel makes
//! float RGBA of them. Saving is the mirror. The kernels are Rust: one body for the GPU and
//! the CPU, which give the same bits.
//!
//! # The verbs
//!
//! One rule names all functions:
//!
//! | | from a file | from bytes | to a file | to bytes |
//! |---|---|---|---|---|
//! | an image | `load` | `decode` | `save` | `encode` |
//! | half of the way | `open` | `open_bytes` | `pack` | |
//! | all pictures of a file | `frames` | `frames_bytes` | `save_animation` | `animation` |
//! | what a file is | `inspect` | `inspect_bytes` | | |
//!
//! - Free functions, [`Image::load`] and [`Image::save`] have the default options and use the
//!   default device. Methods of [`LoadOptions`] take the device as their first argument;
//!   [`SaveOptions`] need none, as the image has one.
//! - `_into` writes to an image of the caller, on its device, and allocates none.
//! - `_u8` is the same for [`ImageU8`], `_tensor` for a [`Tensor`].
//! - `_via` has the caller's memory for the 8-bit pixels between. Few programs need it.
//! - `open` reads and decodes a file, and gives [`Decoded`], which has the file's metadata and
//!   becomes an image. `pack` gives [`PackedImage`], which becomes a file.
//! - `_from` takes a reader, `_to` a writer.
//!
//! # What there is
//!
//! - [`Image`] and [`ImageU8`] hold pixels on a [`Device`], with a capacity within which their
//!   size may change.
//! - [`LoadOptions`] and [`SaveOptions`] choose all that can be chosen of a file.
//! - [`Image::resized`] makes a picture of another size, by a [`Filter`].
//! - [`Image::to_tensor`] makes a [`Tensor`] for a model: channels first or last, halves or bytes,
//!   normalised, of one size, as [`TensorOptions`] say. [`load_tensor`] does so with a file.
//! - [`LoadOptions::frames`] gives all pictures of an animation or a document, of which `load` gives
//!   the first; [`SaveOptions::animation`] saves GIF and WebP animations.
//! - [`ImageInfo`] is what a file is and says, from [`inspect`]; [`Metadata`] takes its ICC profile
//!   and EXIF along.
//! - [`batch`] is for many files at a time, on all cores and several devices.
//! - `Image::from_image` and `to_rgba_image` (feature `image`) are for the `image` crate's types,
//!   `from_array` and `to_array` (feature `ndarray`) for arrays; `as_device_ptr`, `Device::stream`
//!   and the re-exported `cust` (feature `cuda`) for kernels of your own.
//! - The feature `dlpack` hands images to PyTorch and other libraries without a copy, and takes
//!   their tensors: `Image::into_dlpack` and `from_dlpack`, in the module `dlpack`.
//! - `upload`, `download` and `copy_from` move pixels; [`convert_u8_to_float`] and
//!   [`convert_float_to_u8`] convert them, and have their destination as the first argument.
//! - [`Image::map_pixels`] does your own work on every pixel, on the CPU alone. Its documentation
//!   shows how the same function runs as a kernel on a GPU.
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
//! use imagecuda::{Device, Image, load_into};
//!
//! let device = Device::cpu(); // or Device::default()
//! let mut image = Image::new(&device, 4096, 4096)?; // room for 16,777,216 pixels
//! for file in &files {
//!     load_into(file, &mut image)?;
//!     // … work on the pixels …
//!     image.save(file.with_extension("bmp"))?;
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
mod resample;
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
pub use image::{
    DeviceImage, Image, ImageU8, Tensor, TensorSample, convert_float_to_u8, convert_u8_to_float,
};
pub use imagecuda_kernels::{
    layout::Layout,
    orient::Orientation,
    pixel::{Rgba8, RgbaF32},
    tensor::{TensorChannels, TensorElement, TensorLayout},
};
pub(crate) use limits::Limits;
pub use load::{
    Decoded, Frame, Frames, ImageInfo, decode, decode_into, decode_tensor, decode_u8,
    decode_u8_into, inspect, inspect_bytes, load, load_into, load_into_via, load_tensor, load_u8,
    load_u8_into,
};
pub use metadata::Metadata;
pub use options::{
    Channels, Compression, Depth, JpegDecoder, JpegEncoder, LoadOptions, PngDecoder, PngEncoder,
    SaveOptions, Subsampling, TensorFit, TensorOptions,
};
pub use resample::Filter;
pub use save::{AnimationEncoder, PackedImage, encode, encode_u8, save, save_u8, save_via};

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
