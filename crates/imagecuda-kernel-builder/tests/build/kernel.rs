//! A kernel whose helpers stay functions with mangled names, and whose panics name files.
#![no_std]
#![allow(unexpected_cfgs)]
#![feature(abi_ptx, stdarch_nvptx)]

#[cfg(from_the_configuration)]
compile_error!("the folder's rustflags reached the build");

#[cfg(feature = "broken")]
compile_error!("broken on purpose");

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    // Keeps the places of panics in the module, where a leaked path would show.
    if let Some(place) = info.location() {
        for byte in place.file().bytes() {
            // SAFETY: for its PTX alone; the fixture never runs.
            unsafe { core::ptr::write_volatile(4 as *mut u8, byte) };
        }
    }
    // SAFETY: stops the kernel.
    unsafe { core::arch::nvptx::trap() }
}

#[cfg(feature = "unresolved")]
unsafe extern "C" {
    fn nobody_wrote_this(value: f32) -> f32;
}

#[cfg(feature = "entries")]
#[unsafe(no_mangle)]
pub unsafe extern "ptx-kernel" fn sort_and_scale(values: *mut f32, len: usize, by: f32) {
    // SAFETY: the caller of a kernel gives `len` values.
    let values = unsafe { core::slice::from_raw_parts_mut(values, len) };
    values.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap());
    // SAFETY: reading a special register has no conditions.
    let index = unsafe { core::arch::nvptx::_thread_idx_x() } as usize;
    values[index] = maths::scale(values[index], by);
    #[cfg(feature = "unresolved")]
    {
        // SAFETY: never linked, so never called.
        values[index] = unsafe { nobody_wrote_this(values[index]) };
    }
}

#[cfg(feature = "entries")]
#[inline(always)]
fn barrier() {
    // SAFETY: for its PTX alone.
    unsafe { core::arch::nvptx::_syncthreads() }
}

/// What all threads have done.
#[cfg(feature = "entries")]
#[inline(always)]
fn sum(values: *mut u32, own: u32, thread: u32) -> u32 {
    // SAFETY: for its PTX alone.
    unsafe {
        *values.add(thread as usize) = own;
        barrier();
        *values + *values.add(1)
    }
}

/// What follows a barrier depends on what was before it: a compiler that knows nothing of barriers
/// makes two of this one.
#[cfg(feature = "entries")]
#[unsafe(no_mangle)]
pub unsafe extern "ptx-kernel" fn meet(values: *mut u32, len: u32) {
    // SAFETY: for its PTX alone.
    unsafe {
        let thread = core::arch::nvptx::_thread_idx_x() as u32;
        let is_active = *values.add(thread as usize + 7) < len;
        let mut own = 0;
        if is_active {
            *values.add(thread as usize + 3) = 9;
            own = len / thread;
        }
        let sum = sum(values, if is_active { own } else { 0 }, thread);
        if is_active {
            *values.add(thread as usize) = sum;
        }
    }
}
