//! The bodies over slices of host memory, in one thread. A caller that wants more threads splits
//! the slices, as pixels do not depend on each other.
//!
//! Bytes need no alignment here.

mod resample;

pub use self::resample::{nearest_row, resample_row, tensor_row};

use crate::{
    expand::{Curve, Expand},
    layout::Layout,
    orient::View,
    pack::{self, Background, Packing, PixelUsage},
    pixel::{Rgba8, RgbaF32},
    texel::{self, Texel},
};

/// Expands the pixels `src` in `layout` to `dst`.
///
/// # Panics
///
/// If `src` does not hold exactly as many pixels as `dst`.
pub fn expand<D: Expand>(layout: Layout, curve: Curve, src: &[u8], dst: &mut [D]) {
    match layout {
        Layout::L8 => expand_from::<texel::L8, D>(curve, src, dst),
        Layout::La8 => expand_from::<texel::La8, D>(curve, src, dst),
        Layout::Rgb8 => expand_from::<texel::Rgb8, D>(curve, src, dst),
        Layout::Rgba8 => expand_from::<Rgba8, D>(curve, src, dst),
        Layout::Cmyk8 => expand_from::<texel::Cmyk8, D>(curve, src, dst),
        Layout::L16 => expand_from::<texel::L16, D>(curve, src, dst),
        Layout::La16 => expand_from::<texel::La16, D>(curve, src, dst),
        Layout::Rgb16 => expand_from::<texel::Rgb16, D>(curve, src, dst),
        Layout::Rgba16 => expand_from::<texel::Rgba16, D>(curve, src, dst),
        Layout::Cmyk16 => expand_from::<texel::Cmyk16, D>(curve, src, dst),
        Layout::L32F => expand_from::<texel::L32F, D>(curve, src, dst),
        Layout::La32F => expand_from::<texel::La32F, D>(curve, src, dst),
        Layout::Rgb32F => expand_from::<texel::Rgb32F, D>(curve, src, dst),
        Layout::Rgba32F => expand_from::<RgbaF32, D>(curve, src, dst),
    }
}

fn expand_from<T: Texel, D: Expand>(curve: Curve, src: &[u8], dst: &mut [D]) {
    match curve {
        Curve::Encoded => map(src, dst, D::from_encoded::<T>),
        Curve::Linear => map(src, dst, D::from_linear::<T>),
    }
}

/// Packs `src` for an encoder. A packing without alpha flattens onto `background`.
///
/// # Panics
///
/// If `dst` does not hold exactly the bytes of as many pixels in `packing`'s layout.
pub fn pack(packing: Packing, background: Background, src: &[RgbaF32], dst: &mut [u8]) {
    match packing {
        Packing::L8 => unmap(src, dst, |p| pack::l8(p, background)),
        Packing::La8 => unmap(src, dst, pack::la8),
        Packing::L16 => unmap(src, dst, |p| pack::l16(p, background)),
        Packing::La16 => unmap(src, dst, pack::la16),
        Packing::Rgba8 => unmap(src, dst, Rgba8::from),
        Packing::Rgb8 => pack_rgb8(background, src, dst),
        Packing::Rgba16 => unmap(src, dst, pack::rgba16),
        Packing::Rgb16 => unmap(src, dst, |p| pack::rgb16(p, background)),
        Packing::Rgba32F => unmap(src, dst, |p| p),
        Packing::Rgb32F => unmap(src, dst, |p| pack::rgb32f(p, background)),
        Packing::Rgba32FLinear => unmap(src, dst, pack::rgba32f_linear),
        Packing::Rgb32FLinear => unmap(src, dst, |p| pack::rgb32f_linear(p, background)),
    }
}

/// The joined [`PixelUsage`] of all pixels.
pub fn pixel_usage(deep: bool, background: Option<Background>, src: &[RgbaF32]) -> PixelUsage {
    src.iter().fold(PixelUsage::default(), |all, pixel| {
        all.or(PixelUsage::of(*pixel, deep, background))
    })
}

/// Writes row `y` of a part of an oriented picture. The part is as wide as `row`. `src` is the
/// file's pixels, of `bytes_per_pixel` bytes each.
///
/// # Panics
///
/// If `src` is too short, or `y` too large.
pub fn orient_row(view: View, bytes_per_pixel: usize, src: &[u8], y: usize, row: &mut [u8]) {
    for (x, pixel) in row.chunks_exact_mut(bytes_per_pixel).enumerate() {
        let at = view.source(x, y) * bytes_per_pixel;
        pixel.copy_from_slice(&src[at..at + bytes_per_pixel]);
    }
}

/// The same as `unmap` with [`pack::rgb8`], in three passes over a few pixels at a time. A compiler
/// vectorises each of the passes, but not all in one.
fn pack_rgb8(background: Background, src: &[RgbaF32], dst: &mut [u8]) {
    const FEW: usize = 64;
    let texels = dst.as_chunks_mut::<3>().0;
    assert!(texels.len() == src.len(), "pixels in and out");
    let (mut flat, mut quantized) = ([RgbaF32([0.0; 4]); FEW], [Rgba8([0; 4]); FEW]);
    for (texels, src) in texels.chunks_mut(FEW).zip(src.chunks(FEW)) {
        for (flat, pixel) in flat.iter_mut().zip(src) {
            *flat = pack::flatten(*pixel, background);
        }
        for (quantized, flat) in quantized.iter_mut().zip(&flat) {
            *quantized = (*flat).into();
        }
        for (texel, Rgba8([r, g, b, _])) in texels.iter_mut().zip(&quantized) {
            *texel = [*r, *g, *b];
        }
    }
}

fn map<T: Texel, D>(src: &[u8], dst: &mut [D], body: impl Fn(T) -> D) {
    let texels = src.chunks_exact(size_of::<T>());
    assert!(
        texels.remainder().is_empty() && texels.len() == dst.len(),
        "{} bytes for {} pixels of {} bytes",
        src.len(),
        dst.len(),
        size_of::<T>(),
    );
    for (d, t) in dst.iter_mut().zip(texels) {
        *d = body(bytemuck::pod_read_unaligned(t));
    }
}

fn unmap<T: Texel>(src: &[RgbaF32], dst: &mut [u8], body: impl Fn(RgbaF32) -> T) {
    let texels = dst.chunks_exact_mut(size_of::<T>());
    assert!(texels.len() == src.len(), "pixels in and out");
    for (t, s) in texels.zip(src) {
        t.copy_from_slice(bytemuck::bytes_of(&body(*s)));
    }
}
