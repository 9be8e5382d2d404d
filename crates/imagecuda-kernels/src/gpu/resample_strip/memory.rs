//! Loads and prefetches that the compiler does not make of itself.

/// Defines functions that read four numbers by an instruction.
macro_rules! reads {
    ($($(#[$doc:meta])* $name:ident: $instruction:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        ///
        /// `from` is valid for four numbers, and a multiple of 16.
        #[inline(always)]
        pub(super) unsafe fn $name<T>(from: *const T) -> [f32; 4] {
            let (a, b, c, d);
            // SAFETY: what the caller promised.
            unsafe {
                core::arch::asm!(
                    concat!($instruction, " {{{a}, {b}, {c}, {d}}}, [{from}];"),
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
    )*};
}

reads! {
    /// Four numbers in device memory that no thread writes. The pointer's kind of memory is known then, which
    /// it is not of an address in a job.
    read_quad: "ld.global.nc.v4.f32";

    /// As [`read_quad`], of what no thread reads again soon.
    read_once: "ld.global.cg.v4.f32";
}

/// Four bytes in device memory that no thread writes or reads again soon.
///
/// # Safety
///
/// `from` is valid for four bytes, and a multiple of 4.
#[inline(always)]
pub(super) unsafe fn read_word_once<T>(from: *const T) -> u32 {
    let word;
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "ld.global.cg.u32 {word}, [{from}];",
            word = out(reg32) word,
            from = in(reg64) from,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    word
}

/// Rows between a pixel that is loaded and one that is brought nearer: of the distances 2 to 16 this was the
/// fastest.
pub(super) const AHEAD: u32 = 4;

/// Brings memory into the cache that all threads share: the line of the cache in which the address is, if
/// `is_asked`.
///
/// # Safety
///
/// It is the source's memory.
#[inline(always)]
pub(super) unsafe fn ask_for<T>(address: *const T, is_asked: bool) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "{{ .reg .pred asked; setp.ne.u32 asked, {is_asked}, 0;",
            "@asked prefetch.global.L2 [{address}]; }}",
            address = in(reg64) address,
            is_asked = in(reg32) u32::from(is_asked),
            options(nostack, preserves_flags),
        );
    }
}
