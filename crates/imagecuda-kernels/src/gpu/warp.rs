//! Talk between the 32 threads of a warp.

use core::arch::asm;

/// The `value` of the lane `delta` further up in the warp; a lane past the last gets its own.
///
/// # Safety
///
/// All 32 lanes of the warp must call this together.
#[inline(always)]
pub unsafe fn shuffle_down(value: u32, delta: u32) -> u32 {
    let result;
    // SAFETY: the full mask is what the caller promised.
    unsafe {
        asm!(
            "shfl.sync.down.b32 {result}, {value}, {delta}, 31, 0xffffffff;",
            result = out(reg32) result,
            value = in(reg32) value,
            delta = in(reg32) delta,
            options(nomem, nostack, preserves_flags),
        );
    }
    result
}
