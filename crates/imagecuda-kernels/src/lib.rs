//! The pixel maths of [imagecuda](https://crates.io/crates/imagecuda). It is written once and
//! compiled twice: for the host, and to PTX with rustc's own `nvptx64-nvidia-cuda` back end.
//!
//! - [`pixel`]: the two pixel formats of a device, and the number rules between them.
//! - [`layout`] and [`texel`]: how files hold their pixels.
//! - [`expand`]: any texel to RGBA. [`pack`]: RGBA to what an encoder takes.
//! - [`orient`]: the eight orientations of EXIF.
//! - [`color`]: the sRGB curve, and conversions of other colour spaces to sRGB.
//! - [`jpeg`]: from Huffman codes to pixels, and back.
//! - [`png`]: filters, matches and Huffman codes.
//! - [`resample`]: weighted sums of pixels, for other sizes. [`tensor`]: pixels as elements of tensors.
//! - [`host`]: the bodies over slices, for the CPU.
//! - `gpu`: the bodies over device memory. It exists only on `nvptx64`, and its entry points only
//!   with the feature `entries`.
//!
//! A body is a pure, safe function of one pixel, or of a part of a compressed file. A GPU and a CPU compute
//! the same bits: rustc never contracts a multiplication and an addition, and functions such as
//! `powf` come from `libm` on both. Without `entries` this is an ordinary `no_std` crate that other
//! kernels can depend on:
//!
//! ```
//! use imagecuda_kernels::pixel::{Rgba8, RgbaF32};
//!
//! let float = RgbaF32::from(Rgba8([255, 128, 0, 255]));
//! assert_eq!(float.0[1], 128.0 / 255.0);
//! assert_eq!(Rgba8::from(float), Rgba8([255, 128, 0, 255]));
//! ```
#![no_std]
#![forbid(unsafe_op_in_unsafe_fn)]
#![cfg_attr(not(target_arch = "nvptx64"), deny(unsafe_code))]
#![cfg_attr(target_arch = "nvptx64", allow(internal_features))] // link_llvm_intrinsics
#![cfg_attr(
    target_arch = "nvptx64",
    feature(abi_ptx, asm_experimental_arch, link_llvm_intrinsics, stdarch_nvptx)
)]

#[cfg(not(target_arch = "nvptx64"))]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod color;
pub mod expand;
pub mod jpeg;
pub mod layout;
pub mod orient;
pub mod pack;
pub mod pixel;
pub mod png;
pub mod resample;
pub mod tensor;
pub mod texel;

#[cfg(not(target_arch = "nvptx64"))]
pub mod host;

#[cfg(target_arch = "nvptx64")]
pub mod gpu;
