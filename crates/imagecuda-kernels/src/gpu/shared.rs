//! Memory that the threads of a block share.

use core::arch::nvptx;

/// Waits until all threads of the block are here, and what they wrote is there.
///
/// # Safety
///
/// All threads of the block must call this.
#[inline(always)]
pub unsafe fn barrier() {
    // SAFETY: what the caller promised.
    unsafe { nvptx::_syncthreads() }
}

/// Declares `$bytes` bytes of shared memory, aligned to 16, and `$name`, a function that gives
/// their address. All kernels of a module may use them, each for itself.
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

/// The shared memory that a launch asks for.
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
