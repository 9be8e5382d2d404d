//! Texels: one pixel of a file, for each [`Layout`].

use crate::{
    layout::Layout,
    pixel::{Rgba8, RgbaF32, u8_from_u16, u8_from_unit, unit_from_u8, unit_from_u16},
};
use bytemuck::{Pod, Zeroable};

/// A pixel of a file. As RGBA, gray is R = G = B, and a pixel without alpha is opaque.
pub trait Texel: Pod {
    /// The layout that this is a pixel of.
    const LAYOUT: Layout;

    /// As float RGBA. Integers are divided by their maximum, floats are kept as they are.
    fn to_f32(self) -> RgbaF32;

    /// As 8-bit RGBA: the same as quantising [`to_f32`](Self::to_f32).
    fn to_u8(self) -> Rgba8;
}

/// The samples of a pixel as RGBA.
#[inline(always)]
fn spread<S: Copy, const N: usize>(samples: [S; N], opaque: S) -> [S; 4] {
    let s = samples;
    // `N` is a constant: the compiler keeps one arm.
    match N {
        1 => [s[0], s[0], s[0], opaque],
        2 => [s[0], s[0], s[0], s[1]],
        3 => [s[0], s[1], s[2], opaque],
        _ => [s[0], s[1], s[2], s[3]],
    }
}

macro_rules! texel {
    ($($(#[$doc:meta])* $name:ident: [$sample:ty; $n:literal], align $align:literal, $kind:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
        #[repr(C, align($align))]
        pub struct $name(pub [$sample; $n]);

        impl Texel for $name {
            const LAYOUT: Layout = Layout::$name;

            #[inline(always)]
            fn to_f32(self) -> RgbaF32 {
                texel!(@to_f32 $kind, self.0)
            }

            #[inline(always)]
            fn to_u8(self) -> Rgba8 {
                texel!(@to_u8 $kind, self.0)
            }
        }
    )*};
    (@to_f32 u8, $s:expr) => { RgbaF32(spread($s.map(unit_from_u8), 1.0)) };
    (@to_u8 u8, $s:expr) => { Rgba8(spread($s, 255)) };
    (@to_f32 u16, $s:expr) => { RgbaF32(spread($s.map(unit_from_u16), 1.0)) };
    (@to_u8 u16, $s:expr) => { Rgba8(spread($s.map(u8_from_u16), 255)) };
    (@to_f32 f32, $s:expr) => { RgbaF32(spread($s, 1.0)) };
    (@to_u8 f32, $s:expr) => { Rgba8(spread($s.map(u8_from_unit), 255)) };
}

// Each alignment is the largest power of two that divides the size, so that one load reads a pixel.
texel! {
    /// 8-bit gray.
    L8: [u8; 1], align 1, u8;
    /// 8-bit gray and alpha.
    La8: [u8; 2], align 2, u8;
    /// 8-bit red, green, blue.
    Rgb8: [u8; 3], align 1, u8;
    /// 16-bit gray.
    L16: [u16; 1], align 2, u16;
    /// 16-bit gray and alpha.
    La16: [u16; 2], align 4, u16;
    /// 16-bit red, green, blue.
    Rgb16: [u16; 3], align 2, u16;
    /// 16-bit red, green, blue, alpha.
    Rgba16: [u16; 4], align 8, u16;
    /// Float gray.
    L32F: [f32; 1], align 4, f32;
    /// Float gray and alpha.
    La32F: [f32; 2], align 8, f32;
    /// Float red, green, blue.
    Rgb32F: [f32; 3], align 4, f32;
}

/// 8-bit cyan, magenta, yellow, black.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C, align(4))]
pub struct Cmyk8(pub [u8; 4]);

/// 16-bit cyan, magenta, yellow, black.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C, align(8))]
pub struct Cmyk16(pub [u16; 4]);

/// CMYK to RGB without a profile, as viewers do it. `red` is 1.0 minus cyan, and so on: red light
/// is what cyan and black do not absorb.
#[inline(always)]
fn cmyk_to_rgb([red, green, blue, white]: [f32; 4]) -> RgbaF32 {
    RgbaF32([red * white, green * white, blue * white, 1.0])
}

impl Texel for Cmyk8 {
    const LAYOUT: Layout = Layout::Cmyk8;

    #[inline(always)]
    fn to_f32(self) -> RgbaF32 {
        cmyk_to_rgb(self.0.map(|ink| unit_from_u8(!ink)))
    }

    #[inline(always)]
    fn to_u8(self) -> Rgba8 {
        self.to_f32().into()
    }
}

impl Texel for Cmyk16 {
    const LAYOUT: Layout = Layout::Cmyk16;

    #[inline(always)]
    fn to_f32(self) -> RgbaF32 {
        cmyk_to_rgb(self.0.map(|ink| unit_from_u16(!ink)))
    }

    #[inline(always)]
    fn to_u8(self) -> Rgba8 {
        self.to_f32().into()
    }
}

impl Texel for Rgba8 {
    const LAYOUT: Layout = Layout::Rgba8;

    #[inline(always)]
    fn to_f32(self) -> RgbaF32 {
        self.into()
    }

    #[inline(always)]
    fn to_u8(self) -> Rgba8 {
        self
    }
}

impl Texel for RgbaF32 {
    const LAYOUT: Layout = Layout::Rgba32F;

    #[inline(always)]
    fn to_f32(self) -> RgbaF32 {
        self
    }

    #[inline(always)]
    fn to_u8(self) -> Rgba8 {
        self.into()
    }
}
