//! The default image of a PNG, through the `png` crate, and its ICC profile.

use super::chunks;
use crate::{
    Limits, Result,
    codec::{Decode, image_crate},
};
use image::{ImageDecoder, codecs::png::PngDecoder};
use imagecuda_kernels::expand::Curve;
use std::io::Cursor;

/// With palettes and transparent colours resolved, and 1, 2 and 4 bits made 8. Of an animated
/// PNG the default image.
pub(in crate::codec) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    /// What it may hold beside pixels: some texts, and a profile, which is read elsewhere.
    const MOST_METADATA: u64 = 64 << 20;
    let width = bytes.get(16..).and_then(|header| header.first_chunk());
    let row = 8 * u64::from(width.map_or(0, |width| u32::from_be_bytes(*width)));
    let row = row.min(limits.bytes);
    // What a row may have, a profile may as well, which inflates to a thousand times its bytes.
    let few = if row > MOST_METADATA { 0 } else { 4 << 20 };
    let mut inner = image::Limits::no_limits();
    inner.max_alloc = Some(MOST_METADATA + row);
    let bytes = chunks::without_metadata(bytes, few)?;
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), inner);
    image_crate::open(decoder, limits, Curve::Encoded)
}

/// The ICC profile of a PNG, inflated; `None` if there is none, or it is damaged or a bomb.
pub(crate) fn profile(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut limits = image::Limits::no_limits();
    // The largest profiles in use have 4 MB.
    limits.max_alloc = Some(24 << 20);
    let bytes = chunks::with_profile(bytes).ok()?;
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits);
    decoder.ok()?.icc_profile().ok()?
}
