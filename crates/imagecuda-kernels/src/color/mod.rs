//! The sRGB transfer curve (IEC 61966-2-1), extended: negative values mirrored, values past
//! 1.0 on the same curve; and conversions of other RGB spaces to sRGB.
//!
//! NaN is returned as it came: what arithmetic makes of it differs between processors.
//!
//! On a GPU the curves are functions of their own: inlined into every kernel that unrolls,
//! `powf` would make the module six times as large, and its first load as much slower.

mod convert;
mod srgb;

pub use self::{
    convert::{
        CMYK_GRID, CMYK_TABLE, CURVE, GRID, SHAPER, TABLE, curve, look_up, look_up_cmyk, shape,
        shape_bytes,
    },
    srgb::{associate, decode_rgb, encode_rgb, srgb_decode, srgb_encode, unassociate},
};
