//! Device memory, by instructions that know that it is that.

/// The number at an address in device memory. This is faster than a load by a pointer, which may be to any memory.
///
/// # Safety
///
/// The pointer is to four bytes of device memory, and aligned. No thread writes there while the kernel runs.
#[inline(always)]
pub unsafe fn load_u32(pointer: *const u32) -> u32 {
    let number;
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "ld.global.u32 {number}, [{pointer}];",
            number = out(reg32) number,
            pointer = in(reg64) pointer,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    number
}

/// Four numbers in device memory, or zeros if they are not there. The compiler sees no branch in it, behind which it
/// would wait for the numbers at once.
///
/// # Safety
///
/// If they are there, the pointer is to four numbers in device memory, and a multiple of 16.
#[inline(always)]
pub unsafe fn load_four_if(are_there: bool, pointer: *const u32) -> [u32; 4] {
    let (a, b, c, d);
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "{{",
            ".reg .pred there;",
            "setp.ne.u32 there, {are_there}, 0;",
            "mov.b32 {a}, 0;",
            "mov.b32 {b}, 0;",
            "mov.b32 {c}, 0;",
            "mov.b32 {d}, 0;",
            "@there ld.global.v4.u32 {{{a}, {b}, {c}, {d}}}, [{pointer}];",
            "}}",
            a = out(reg32) a,
            b = out(reg32) b,
            c = out(reg32) c,
            d = out(reg32) d,
            are_there = in(reg32) u32::from(are_there),
            pointer = in(reg64) pointer,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    [a, b, c, d]
}

/// Asks for a word to be in the cache soon, with those around it.
#[inline(always)]
pub fn prefetch(pointer: *const u32) {
    // SAFETY: nothing is read or written, wherever that is.
    unsafe {
        core::arch::asm!(
            "prefetch.global.L1 [{pointer}];",
            pointer = in(reg64) pointer,
            options(nostack, preserves_flags),
        );
    }
}

/// What this thread wrote before can be read by all threads of the device that see what it writes afterwards.
#[inline(always)]
pub fn fence() {
    // SAFETY: orders what the thread does with memory.
    unsafe { core::arch::asm!("membar.gl;", options(nostack, preserves_flags)) };
}

/// Writes a number to device memory.
///
/// # Safety
///
/// The pointer is to four bytes of device memory, and aligned.
#[inline(always)]
pub unsafe fn store_u32(pointer: *mut u32, number: u32) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "st.global.u32 [{pointer}], {number};",
            pointer = in(reg64) pointer,
            number = in(reg32) number,
            options(nostack, preserves_flags),
        );
    }
}

/// As [`store_u32`], two bytes.
///
/// # Safety
///
/// The pointer is to two bytes of device memory, and aligned.
#[inline(always)]
pub unsafe fn store_u16(pointer: *mut u16, number: u16) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "st.global.u16 [{pointer}], {number};",
            pointer = in(reg64) pointer,
            number = in(reg16) number,
            options(nostack, preserves_flags),
        );
    }
}

/// As [`load_four_if`], four numbers that another thread block may write with [`publish_four`] at the same time: each is
/// what it was or what it is then.
///
/// # Safety
///
/// If they are there, the pointer is to four numbers in device memory, and a multiple of 16.
#[inline(always)]
pub unsafe fn peek_four_if(are_there: bool, pointer: *const u64) -> [u64; 4] {
    let (a, b, c, d);
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "{{",
            ".reg .pred there;",
            "setp.ne.u32 there, {are_there}, 0;",
            "mov.b64 {a}, 0;",
            "mov.b64 {b}, 0;",
            "mov.b64 {c}, 0;",
            "mov.b64 {d}, 0;",
            "@there ld.volatile.global.v2.u64 {{{a}, {b}}}, [{pointer}];",
            "@there ld.volatile.global.v2.u64 {{{c}, {d}}}, [{pointer}+16];",
            "}}",
            a = out(reg64) a,
            b = out(reg64) b,
            c = out(reg64) c,
            d = out(reg64) d,
            are_there = in(reg32) u32::from(are_there),
            pointer = in(reg64) pointer,
            options(readonly, nostack, preserves_flags),
        );
    }
    [a, b, c, d]
}

/// Writes four numbers that another thread block may read at the same time with [`peek_four_if`].
///
/// # Safety
///
/// The pointer is to four numbers in device memory, and a multiple of 16.
#[inline(always)]
pub unsafe fn publish_four(pointer: *mut u64, [a, b, c, d]: [u64; 4]) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "st.volatile.global.v2.u64 [{pointer}], {{{a}, {b}}};",
            "st.volatile.global.v2.u64 [{pointer}+16], {{{c}, {d}}};",
            a = in(reg64) a,
            b = in(reg64) b,
            c = in(reg64) c,
            d = in(reg64) d,
            pointer = in(reg64) pointer,
            options(nostack, preserves_flags),
        );
    }
}
