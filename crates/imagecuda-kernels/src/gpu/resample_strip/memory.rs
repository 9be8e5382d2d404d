//! Loads and prefetches that the compiler does not make of itself.

/// Four numbers in device memory that no thread writes. The pointer's kind of memory is known then, which it
/// is not of an address in a job.
///
/// # Safety
///
/// `from` is valid for them, and a multiple of 16.
#[inline(always)]
pub(super) unsafe fn read_quad<T>(from: *const T) -> [f32; 4] {
    let (a, b, c, d);
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "ld.global.nc.v4.f32 {{{a}, {b}, {c}, {d}}}, [{from}];",
            a = out(reg32) a,
            b = out(reg32) b,
            c = out(reg32) c,
            d = out(reg32) d,
            from = in(reg64) from,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    [a, b, c, d]
}

/// As [`read_quad`], of what no thread reads again soon.
///
/// # Safety
///
/// As [`read_quad`].
#[inline(always)]
pub(super) unsafe fn read_once<T>(from: *const T) -> [f32; 4] {
    let (a, b, c, d);
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "ld.global.cg.v4.f32 {{{a}, {b}, {c}, {d}}}, [{from}];",
            a = out(reg32) a,
            b = out(reg32) b,
            c = out(reg32) c,
            d = out(reg32) d,
            from = in(reg64) from,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    [a, b, c, d]
}
/// Rows between a pixel that is loaded and one that is brought nearer: of the distances 2 to 16 this was the
/// fastest.
pub(super) const AHEAD: u32 = 4;

/// Brings memory into the cache that all threads share.
///
/// # Safety
///
/// It is the source's memory.
#[inline(always)]
pub(super) unsafe fn ask_for<T>(address: *const T) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "prefetch.global.L2 [{address}];",
            address = in(reg64) address,
            options(nostack, preserves_flags),
        );
    }
}
