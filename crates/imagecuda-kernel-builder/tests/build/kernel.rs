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
