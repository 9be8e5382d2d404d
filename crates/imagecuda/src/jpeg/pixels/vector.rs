//! [`Band::paint`] once more, for processors with AVX2.

use super::band::{Band, Blocks};

/// See [`Band::paint`].
pub(super) fn paint(band: &mut Band<'_>, blocks: Blocks<'_>, rows: u32, out: &mut [u8]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
        // SAFETY: a function of safe code, whose only condition is that the processor has AVX2,
        // which was asked for above.
        return unsafe { paint_avx2(band, blocks, rows, out) };
    }
    band.paint(blocks, rows, out)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn paint_avx2(band: &mut Band<'_>, blocks: Blocks<'_>, rows: u32, out: &mut [u8]) -> usize {
    band.paint(blocks, rows, out)
}
