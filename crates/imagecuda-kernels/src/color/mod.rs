//! The sRGB transfer curve (IEC 61966-2-1), and conversions of other colour spaces to sRGB. The
//! curve is extended: negative values are mirrored, and values above 1.0 are on the same curve.
//!
//! The curve returns NaN unchanged, as processors differ in what arithmetic makes of it.
//!
//! On a GPU the curves are not inlined. `powf` inlined into every kernel that unrolls would make
//! the module six times as large, and its first load that much slower.

mod convert;
mod srgb;
mod table;

#[cfg(not(target_arch = "nvptx64"))]
pub use self::convert::shape_all;
#[cfg(not(target_arch = "nvptx64"))]
pub(crate) use self::convert::{FEW, shape_few_bytes};
pub use self::{
    convert::{CURVE, SHAPER, curve, shape, shape_bytes},
    srgb::{associate, decode_rgb, encode_rgb, srgb_decode, srgb_encode, unassociate},
    table::{CMYK_GRID, CMYK_TABLE, GRID, TABLE, look_up, look_up_cmyk},
};
