//! The kernels' loops, compiled once more for processors with AVX2. The bits are the same: no multiplication
//! and addition are fused there either.

use super::{
    planes,
    sums::{self, Tap},
};
use imagecuda_kernels::{
    color::{self, SHAPER},
    expand::{Curve, Expand},
    host,
    layout::Layout,
    pack::{Background, Packing, PixelUsage},
    pixel::RgbaF32,
    planes::Picture,
    resample::{Pass, Weights},
    tensor::TensorSpec,
};

/// Defines functions that call another of the same arguments, which is inlined: for AVX2, if the
/// processor has it, and else for any.
macro_rules! vectorized {
    ($($(#[$doc:meta])* fn $name:ident$(<$generic:ident: $bound:path>)?($($argument:ident: $type:ty),*) $(-> $result:ty)? = $body:path;)*) => {$(
        $(#[$doc])*
        pub(in crate::device) fn $name$(<$generic: $bound>)?($($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                #[target_feature(enable = "avx2")]
                fn avx2$(<$generic: $bound>)?($($argument: $type),*) $(-> $result)? {
                    $body($($argument),*)
                }
                #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
                // SAFETY: a function of safe code, whose only condition is that the processor has AVX2,
                // which was asked for above.
                return unsafe { avx2($($argument),*) };
            }
            $body($($argument),*)
        }
    )*};
}

vectorized! {
    /// See [`planes::row`].
    fn planes<D: Expand>(picture: &Picture, memory: &[u8], x: u32, y: u32, dst: &mut [D]) = planes::row;

    /// See [`host::expand`].
    fn expand<D: Expand>(layout: Layout, curve: Curve, src: &[u8], dst: &mut [D]) = host::expand;

    /// See [`host::pack`].
    fn pack(packing: Packing, background: Background, src: &[RgbaF32], dst: &mut [u8]) = host::pack;

    /// See [`host::resample_row`].
    fn resample_row(pass: &Pass, weights: Weights<'_>, src: &[RgbaF32], y: usize, row: &mut [RgbaF32], run: &mut [RgbaF32]) = host::resample_row;

    /// See [`sums::lines`].
    fn lines(taps: &[Tap], numbers: &[f32], out: &mut [f32]) = sums::lines;

    /// See [`sums::columns`].
    fn columns(weights: Weights<'_>, channels: usize, left: u32, row: &[f32], out: &mut [RgbaF32]) = sums::columns;

    /// See [`sums::units`].
    fn units(bytes: &[u8], out: &mut [f32]) = sums::units;

    /// See [`sums::enter`].
    fn enter(pass: &Pass, pixels: &mut [RgbaF32]) = sums::enter;

    /// See [`sums::leave`].
    fn leave(pass: &Pass, pixels: &mut [RgbaF32]) = sums::leave;

    /// See [`host::tensor_row`].
    fn tensor_row(spec: &TensorSpec, pixels: &[RgbaF32], planes: &mut [&mut [u8]]) = host::tensor_row;

    /// See [`host::pixel_usage`].
    fn pixel_usage(deep: bool, background: Option<Background>, src: &[RgbaF32]) -> PixelUsage = host::pixel_usage;

    /// See [`host::expand_shaped`].
    fn expand_shaped(layout: Layout, shaper: &[f32; SHAPER], src: &[u8], dst: &mut [RgbaF32]) = host::expand_shaped;

    /// See [`color::shape_all`].
    fn shape_all(shaper: &[f32; SHAPER], pixels: &mut [RgbaF32]) = color::shape_all;
}
