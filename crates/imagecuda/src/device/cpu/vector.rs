//! The kernels' loops, compiled once more for processors with AVX2. The bits are the same: no multiplication
//! and addition are fused there either.

use super::planes;
use crate::device::resample;
use imagecuda_kernels::{
    color::SHAPER,
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
    fn planes<D: Expand>(picture: &Picture, memory: &[u8], y: u32, dst: &mut [D]) = planes::row;

    /// See [`host::expand`].
    fn expand<D: Expand>(layout: Layout, curve: Curve, src: &[u8], dst: &mut [D]) = host::expand;

    /// See [`host::pack`].
    fn pack(packing: Packing, background: Background, src: &[RgbaF32], dst: &mut [u8]) = host::pack;

    /// See [`host::resample_row`].
    fn resample_row(pass: &Pass, weights: Weights<'_>, src: &[RgbaF32], y: usize, row: &mut [RgbaF32], run: &mut [RgbaF32]) = host::resample_row;

    /// See [`resample::enter_row`].
    fn enter_row(pass: &Pass, line: &mut [RgbaF32]) = resample::enter_row;

    /// See [`resample::add_weighted`].
    fn add_weighted(weight: f32, line: &[RgbaF32], run: &mut [RgbaF32]) = resample::add_weighted;

    /// See [`resample::add_run`].
    fn add_run(total: &mut [RgbaF32], run: &mut [RgbaF32]) = resample::add_run;

    /// See [`resample::finish_row`].
    fn finish_row(pass: &Pass, total: &[RgbaF32], run: &[RgbaF32], row: &mut [RgbaF32]) = resample::finish_row;

    /// See [`host::tensor_row`].
    fn tensor_row(spec: &TensorSpec, pixels: &[RgbaF32], planes: &mut [&mut [u8]]) = host::tensor_row;

    /// See [`host::pixel_usage`].
    fn pixel_usage(deep: bool, background: Option<Background>, src: &[RgbaF32]) -> PixelUsage = host::pixel_usage;

    /// See [`host::expand_shaped`].
    fn expand_shaped(layout: Layout, shaper: &[f32; SHAPER], src: &[u8], dst: &mut [RgbaF32]) = host::expand_shaped;
}
