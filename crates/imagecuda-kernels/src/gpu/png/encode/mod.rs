//! Pixels to the compressed stream of a file. [`encode`](crate::png::encode) has the bodies, and
//! explains how they work together.
//!
//! The kernels run in this order: `png_choose`, `png_match`, `png_count`, `png_codes`, `png_place`;
//! then, once the host has made room for the stream, `png_code` and `png_crc`.

mod checksum;
mod codes;
mod filter;
mod matches;
mod spans;

use crate::png::encode::{
    jobs::EncodeJob,
    scanlines::{BLOCK, Scanlines},
};

/// The bytes of a picture's pixels.
///
/// # Safety
///
/// The closure is called with places of the picture alone.
#[inline(always)]
unsafe fn pixels(job: &EncodeJob) -> impl Fn(usize) -> u8 + Copy {
    let pixels = job.pixels as *const u8;
    // SAFETY: what the caller promised.
    move |at| unsafe { pixels.add(at).read() }
}

/// Whether a block ends with this chunk.
#[inline(always)]
fn ends_block(lines: &Scanlines, chunk: u32) -> bool {
    (chunk + 1).is_multiple_of(BLOCK) || chunk + 1 == lines.chunks()
}
