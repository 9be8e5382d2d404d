//! The bodies over device memory.
//!
//! [`thread`], [`warp`] and [`shared`] have what kernels need of the machine, under the names that
//! `cuda_std` gives them.

pub mod shared;
pub mod thread;
pub mod warp;

#[cfg(feature = "entries")]
mod entries;
#[cfg(feature = "entries")]
mod jpeg;

/// A module cannot unwind, nor print: the thread traps, and the launch reports it.
#[cfg(feature = "entries")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: `trap` stops the kernel; nothing runs after it.
    unsafe { core::arch::nvptx::trap() }
}
