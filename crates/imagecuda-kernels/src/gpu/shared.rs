//! Shared memory: that of the threads of a block.

use core::arch::nvptx;

/// Waits until all threads of the block have come here. What they wrote before can be read
/// afterwards.
///
/// # Safety
///
/// All threads of the block must call this.
#[inline(always)]
pub unsafe fn barrier() {
    // SAFETY: what the caller promised.
    unsafe { nvptx::_syncthreads() }
}

#[allow(improper_ctypes)]
unsafe extern "C" {
    #[link_name = "llvm.nvvm.barrier0.or"]
    fn barrier_or(value: i32) -> i32;
}

/// As [`barrier`], and returns whether `value` holds for any thread of the block.
///
/// # Safety
///
/// All threads of the block must call this.
#[inline(always)]
pub unsafe fn barrier_any(value: bool) -> bool {
    // SAFETY: what the caller promised.
    unsafe { barrier_or(value.into()) != 0 }
}

/// Declares `$bytes` bytes of shared memory, aligned to 16, and `$name`, a function that returns
/// their address. All kernels of a module may use them; each launch has its own.
#[macro_export]
macro_rules! shared_memory {
    ($(#[$doc:meta])* $name:ident: $bytes:literal) => {
        core::arch::global_asm!(concat!(
            ".shared .align 16 .b8 ", stringify!($name), "_memory[", $bytes, "];"
        ));

        $(#[$doc])*
        #[inline(always)]
        fn $name<T>() -> *mut T {
            let address: u64;
            // SAFETY: takes an address.
            unsafe {
                core::arch::asm!(
                    concat!("cvta.shared.u64 {address}, ", stringify!($name), "_memory;"),
                    address = out(reg64) address,
                    options(pure, nomem, nostack, preserves_flags),
                );
            }
            address as *mut T
        }
    };
}

core::arch::global_asm!(".extern .shared .align 16 .b8 dynamic_memory[];");

/// The dynamic shared memory, whose size the launch sets.
#[inline(always)]
pub fn dynamic<T>() -> *mut T {
    let address: u64;
    // SAFETY: takes an address.
    unsafe {
        core::arch::asm!(
            "cvta.shared.u64 {address}, dynamic_memory;",
            address = out(reg64) address,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    address as *mut T
}

/// The bytes of the dynamic shared memory.
#[inline(always)]
pub fn dynamic_len() -> u32 {
    let bytes: u32;
    // SAFETY: reads a register.
    unsafe {
        core::arch::asm!(
            "mov.u32 {bytes}, %dynamic_smem_size;",
            bytes = out(reg32) bytes,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    bytes
}

/// The address within shared memory of a pointer to there.
#[inline(always)]
pub fn address<T>(pointer: *const T) -> u32 {
    let address: u64;
    // SAFETY: takes an address.
    unsafe {
        core::arch::asm!(
            "cvta.to.shared.u64 {address}, {pointer};",
            address = out(reg64) address,
            pointer = in(reg64) pointer,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    address as u32
}

/// Compares and swaps: writes `number` if `expected` is there, atomically. Returns what was there.
///
/// # Safety
///
/// The address is that of four bytes of the block's shared memory, and a multiple of 4.
#[inline(always)]
pub unsafe fn compare_exchange_u32(address: u32, expected: u32, number: u32) -> u32 {
    let before;
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "atom.shared.cas.b32 {before}, [{address}], {expected}, {number};",
            before = out(reg32) before,
            address = in(reg32) address,
            expected = in(reg32) expected,
            number = in(reg32) number,
            options(nostack, preserves_flags),
        );
    }
    before
}

/// Writes a number atomically, where other threads may compare and swap.
///
/// # Safety
///
/// The address is that of four bytes of the block's shared memory, and a multiple of 4.
#[inline(always)]
pub unsafe fn exchange_u32(address: u32, number: u32) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "atom.shared.exch.b32 {before}, [{address}], {number};",
            before = out(reg32) _,
            address = in(reg32) address,
            number = in(reg32) number,
            options(nostack, preserves_flags),
        );
    }
}

/// Adds to a number atomically. Returns what it was.
///
/// # Safety
///
/// The address is that of four bytes of the block's shared memory, and a multiple of 4.
#[inline(always)]
pub unsafe fn add_u32(address: u32, number: u32) -> u32 {
    let before;
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "atom.shared.add.u32 {before}, [{address}], {number};",
            before = out(reg32) before,
            address = in(reg32) address,
            number = in(reg32) number,
            options(nostack, preserves_flags),
        );
    }
    before
}

/// Sets bits of a number, atomically.
///
/// # Safety
///
/// The address is that of four bytes of the block's shared memory, and a multiple of 4.
#[inline(always)]
pub unsafe fn or_u32(address: u32, number: u32) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "atom.shared.or.b32 {before}, [{address}], {number};",
            before = out(reg32) _,
            address = in(reg32) address,
            number = in(reg32) number,
            options(nostack, preserves_flags),
        );
    }
}

/// Makes a number at most `number`, atomically.
///
/// # Safety
///
/// The address is that of four bytes of the block's shared memory, and a multiple of 4.
#[inline(always)]
pub unsafe fn min_u32(address: u32, number: u32) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "atom.shared.min.u32 {before}, [{address}], {number};",
            before = out(reg32) _,
            address = in(reg32) address,
            number = in(reg32) number,
            options(nostack, preserves_flags),
        );
    }
}

/// Makes a number at least `number`, atomically.
///
/// # Safety
///
/// The address is that of four bytes of the block's shared memory, and a multiple of 4.
#[inline(always)]
pub unsafe fn max_u32(address: u32, number: u32) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "atom.shared.max.u32 {before}, [{address}], {number};",
            before = out(reg32) _,
            address = in(reg32) address,
            number = in(reg32) number,
            options(nostack, preserves_flags),
        );
    }
}

/// Writes a number at an address within shared memory.
///
/// # Safety
///
/// The address is that of four bytes of the block's shared memory, and a multiple of 4.
#[inline(always)]
pub unsafe fn store_u32(address: u32, number: u32) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "st.shared.u32 [{address}], {number};",
            address = in(reg32) address,
            number = in(reg32) number,
            options(nostack, preserves_flags),
        );
    }
}

/// The number at an address within shared memory. This is faster than a load by a pointer, which
/// may be to any memory.
///
/// # Safety
///
/// The address is that of four bytes of the block's shared memory, and a multiple of 4.
#[inline(always)]
pub unsafe fn load_u32(address: u32) -> u32 {
    let number;
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "ld.shared.u32 {number}, [{address}];",
            number = out(reg32) number,
            address = in(reg32) address,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    number
}

/// As [`load_u32`], where other threads write too: it is not moved before or behind what they do
/// between two barriers.
///
/// # Safety
///
/// As [`load_u32`].
#[inline(always)]
pub unsafe fn load_changing_u32(address: u32) -> u32 {
    let number;
    // SAFETY: what the caller promised. Not pure, as others write there.
    unsafe {
        core::arch::asm!(
            "ld.volatile.shared.u32 {number}, [{address}];",
            number = out(reg32) number,
            address = in(reg32) address,
            options(nostack, preserves_flags),
        );
    }
    number
}

/// As [`load_u32`], two bytes at a multiple of 2.
///
/// # Safety
///
/// The address is that of two bytes of the block's shared memory, and a multiple of 2.
#[inline(always)]
pub unsafe fn load_u16(address: u32) -> u16 {
    let number;
    // SAFETY: what the caller promised. Not pure, as the thread writes there too.
    unsafe {
        core::arch::asm!(
            "ld.shared.u16 {number}, [{address}];",
            number = out(reg16) number,
            address = in(reg32) address,
            options(nostack, preserves_flags),
        );
    }
    number
}

/// As [`store_u32`], two bytes at a multiple of 2.
///
/// # Safety
///
/// The address is that of two bytes of the block's shared memory, and a multiple of 2.
#[inline(always)]
pub unsafe fn store_u16(address: u32, number: u16) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "st.shared.u16 [{address}], {number};",
            address = in(reg32) address,
            number = in(reg16) number,
            options(nostack, preserves_flags),
        );
    }
}

/// The byte at an address within shared memory.
///
/// # Safety
///
/// The address is that of a byte of the block's shared memory.
#[inline(always)]
pub unsafe fn load_u8(address: u32) -> u32 {
    let number;
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "ld.shared.u8 {number}, [{address}];",
            number = out(reg32) number,
            address = in(reg32) address,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    number
}

/// As [`store_u32`], the lowest byte of a number, anywhere.
///
/// # Safety
///
/// The address is that of a byte of the block's shared memory.
#[inline(always)]
pub unsafe fn store_u8(address: u32, number: u32) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "st.shared.u8 [{address}], {number};",
            address = in(reg32) address,
            number = in(reg32) number,
            options(nostack, preserves_flags),
        );
    }
}

/// As [`load_u32`], two numbers at a multiple of 8.
///
/// # Safety
///
/// The address is that of 8 bytes of the block's shared memory, and a multiple of 8.
#[inline(always)]
pub unsafe fn load_pair(address: u32) -> (u32, u32) {
    let (a, b);
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "ld.shared.v2.u32 {{{a}, {b}}}, [{address}];",
            a = out(reg32) a,
            b = out(reg32) b,
            address = in(reg32) address,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    (a, b)
}

/// As [`store_u32`], two numbers at a multiple of 8.
///
/// # Safety
///
/// The address is that of 8 bytes of the block's shared memory, and a multiple of 8.
#[inline(always)]
pub unsafe fn store_pair(address: u32, (a, b): (u32, u32)) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "st.shared.v2.u32 [{address}], {{{a}, {b}}};",
            a = in(reg32) a,
            b = in(reg32) b,
            address = in(reg32) address,
            options(nostack, preserves_flags),
        );
    }
}

/// As [`load_u32`], four numbers.
///
/// # Safety
///
/// The address is that of 16 bytes of the block's shared memory, and a multiple of 16.
#[inline(always)]
pub unsafe fn load_quad(address: u32) -> [u32; 4] {
    let (a, b, c, d);
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "ld.shared.v4.u32 {{{a}, {b}, {c}, {d}}}, [{address}];",
            a = out(reg32) a,
            b = out(reg32) b,
            c = out(reg32) c,
            d = out(reg32) d,
            address = in(reg32) address,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    [a, b, c, d]
}

/// As [`store_u32`], four numbers.
///
/// # Safety
///
/// The address is that of 16 bytes of the block's shared memory, and a multiple of 16.
#[inline(always)]
pub unsafe fn store_quad(address: u32, [a, b, c, d]: [u32; 4]) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "st.shared.v4.u32 [{address}], {{{a}, {b}, {c}, {d}}};",
            address = in(reg32) address,
            a = in(reg32) a,
            b = in(reg32) b,
            c = in(reg32) c,
            d = in(reg32) d,
            options(nostack, preserves_flags),
        );
    }
}
