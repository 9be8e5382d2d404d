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

/// The `value` of lane `lane`, below 32.
///
/// # Safety
///
/// All 32 lanes of the warp must call this together.
#[inline(always)]
pub unsafe fn shuffle(value: u32, lane: u32) -> u32 {
    let result;
    // SAFETY: the full mask is what the caller promised.
    unsafe {
        asm!(
            "shfl.sync.idx.b32 {result}, {value}, {lane}, 31, 0xffffffff;",
            result = out(reg32) result,
            value = in(reg32) value,
            lane = in(reg32) lane,
            options(nomem, nostack, preserves_flags),
        );
    }
    result
}

/// Whether `value` holds in any lane of the warp.
///
/// # Safety
///
/// All lanes of the warp that have not ended must call this together.
#[inline(always)]
pub unsafe fn any(value: bool) -> bool {
    let result: u32;
    // SAFETY: the full mask is what the caller promised.
    unsafe {
        asm!(
            "{{ .reg .pred p; setp.ne.u32 p, {value}, 0; vote.sync.any.pred p, p, 0xffffffff; selp.u32 {result}, 1, 0, p; }}",
            value = in(reg32) u32::from(value),
            result = out(reg32) result,
            options(nostack, preserves_flags),
        );
    }
    result != 0
}

/// Waits until all lanes of the warp are here, and what they wrote is there for the others.
///
/// # Safety
///
/// As [`any`].
#[inline(always)]
pub unsafe fn sync() {
    // SAFETY: the full mask is what the caller promised.
    unsafe {
        asm!(
            "bar.warp.sync 0xffffffff;",
            options(nostack, preserves_flags)
        )
    }
}
