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
//! To load a file, a codec decodes it to pixels in the file's own layout (1 byte a pixel for gray,
//! 3 for RGB, 6 for 16-bit RGB, …) in pinned memory. These are uploaded, and a kernel expands them
//! to float RGBA. JPEG and PNG can be decoded by kernels too. Saving runs the other way. The kernels
//! are Rust, and have one body for the GPU and the CPU, so both give the same bits.
//!
//! # The verbs
//!
//! One rule names all functions:
//!
//! | | from a file | from bytes | to a file | to bytes |
//! |---|---|---|---|---|
//! | an image | `load` | `decode` | `save` | `encode` |
//! | an image, in two steps | `open` | `open_bytes` | `pack` | |
//! | all pictures of a file | `frames` | `frames_bytes` | `save_animation` | `animation` |
//! | size, format, metadata | `inspect` | `inspect_bytes` | | |
//!
//! - Free functions, [`Image::load`] and [`Image::save`] use the default options. Those that load
//!   use the default device. Methods of [`LoadOptions`] take the device as their first argument.
//!   Methods of [`SaveOptions`] need none, as an image knows its device.
//! - `_into` writes to an image of the caller, on its device, and allocates no image.
//! - `_u8` is the same for [`ImageU8`], `_tensor` for a [`Tensor`].
//! - `_via` uses the caller's memory for the intermediate 8-bit pixels. Few programs need it.
//! - `open` reads and decodes a file, and gives [`Decoded`], which has the file's metadata and
//!   becomes an image. `pack` gives [`PackedImage`], which becomes a file.
//! - `_from` takes a reader, `_to` a writer.
//!
//! # What there is
//!
//! - [`Image`] and [`ImageU8`] hold pixels on a [`Device`]. Their size may change up to their
//!   capacity.
//! - [`LoadOptions`] and [`SaveOptions`] have all options for loading and saving.
//! - [`Image::resized`] makes a picture of another size, with a [`Filter`].
//! - [`Image::to_tensor`] makes a [`Tensor`] for a model, as [`TensorOptions`] say: channels first or
//!   last, half precision or bytes, normalised, of one size. [`load_tensor`] makes one of a file.
//! - [`LoadOptions::frames`] gives all pictures of an animation or a document; `load` gives the
//!   first. [`SaveOptions::animation`] saves GIF and WebP animations.
//! - [`inspect`] gives [`ImageInfo`]: a file's size, format, depth and metadata, without decoding it.
//!   [`Metadata`] carries an ICC profile and EXIF from one file to another.
//! - [`batch`] processes many files at a time, on all cores and several devices.
//! - `Image::from_image` and `to_rgba_image` (feature `image`) convert the `image` crate's types,
//!   and `from_array` and `to_array` (feature `ndarray`) convert arrays.
//! - `as_device_ptr`, `Device::stream` and the re-exported `cust` (feature `cuda`) are for kernels of
//!   your own.
//! - The feature `dlpack` hands images to PyTorch and other libraries without a copy, and takes
//!   their tensors: `Image::into_dlpack` and `from_dlpack`, in the module `dlpack`.
//! - `upload`, `download` and `copy_from` move pixels. [`convert_u8_to_float`] and
//!   [`convert_float_to_u8`] convert them; the destination is their first argument.
//! - [`Image::map_pixels`] runs your function on every pixel of an image on the CPU. Its
//!   documentation shows how the same function runs as a kernel on a GPU.
//!
//! # Numbers
//!
//! | | |
//! |---|---|
//! | samples of a file, loaded | 8-bit `x / 255.0`, 16-bit `x / 65535.0`, float unchanged |
//! | pixels, saved | 8-bit `clamp(v, 0, 1) * 255 + 0.5`, truncated; 16-bit the same with 65535; NaN is 0 |
//! | gray | R = G = B |
//! | alpha | straight, not premultiplied; 1.0 if the file has none |
//! | colours | sRGB-encoded; values below 0.0 and above 1.0 are colours outside sRGB |
//!
//! OpenEXR and Radiance HDR hold linear light. The sRGB curve, extended above 1.0, is applied on
//! load and undone on save. So every image has the same encoding.
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
mod paths;
mod picture;
mod resample;
mod save;
mod sink;
#[cfg(test)]
mod tests;
mod trace;

pub use color::ColorPolicy;
pub use device::{Device, DevicePixel, IdleMemory};
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
    SaveOptions, Scale, Subsampling, TensorFit, TensorOptions, VideoDecoder,
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
