//! The bodies over device memory.
//!
//! [`thread`], [`warp`], [`global`] and [`shared`] are what kernels need of the GPU, under the names that
//! `cuda_std` has for them.

pub mod global;
pub mod shared;
pub mod thread;
pub mod warp;

#[cfg(feature = "entries")]
mod entries;
#[cfg(feature = "entries")]
mod jpeg;
#[cfg(feature = "entries")]
mod pack;
#[cfg(feature = "entries")]
mod planes;
#[cfg(feature = "entries")]
mod png;
#[cfg(feature = "entries")]
mod resample;
#[cfg(feature = "entries")]
mod resample_strip;
#[cfg(feature = "entries")]
mod resample_tile;
#[cfg(feature = "entries")]
mod tensor;

/// A kernel can neither unwind nor print. The thread traps, and the host sees that the launch
/// failed.
#[cfg(feature = "entries")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: `trap` stops the kernel; nothing runs after it.
    unsafe { core::arch::nvptx::trap() }
}
