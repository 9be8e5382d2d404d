//! A CUDA driver with a handful of functions, which the tests put where the dynamic loader
//! finds it.

#![allow(non_snake_case)]

use std::{
    ffi::{CStr, c_char, c_int, c_uint, c_void},
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

static READY: AtomicBool = AtomicBool::new(false);

/// Returns the code in `FAKE_CU_INIT`, else succeeds. Takes its time, so that threads
/// that race to it meet inside.
#[unsafe(no_mangle)]
extern "C" fn cuInit(flags: c_uint) -> c_uint {
    std::thread::sleep(std::time::Duration::from_millis(20));
    if flags != 0 {
        return 1;
    }
    let code = std::env::var("FAKE_CU_INIT").map_or(0, |code| code.parse().unwrap());
    READY.store(code == 0, Ordering::SeqCst);
    code
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetCount(count: *mut c_int) -> c_uint {
    if !READY.load(Ordering::SeqCst) {
        return 3;
    }
    // SAFETY: the caller passes a place for the count.
    unsafe { *count = 3 };
    0
}

/// Needs no cuInit, as in the real driver.
#[unsafe(no_mangle)]
unsafe extern "C" fn cuDriverGetVersion(version: *mut c_int) -> c_uint {
    // SAFETY: the caller passes a place for the version.
    unsafe { *version = 12_090 };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGetErrorString(code: c_uint, text: *mut *const c_char) -> c_uint {
    const TEXT: &CStr = c"text of the fake driver";
    // SAFETY: the caller passes a place for the pointer.
    unsafe {
        *text = if code == 100 {
            TEXT.as_ptr()
        } else {
            ptr::null()
        }
    };
    0
}

/// The function with the most arguments. Writes them to `extra`, an array of eleven,
/// and returns CUDA_ERROR_LAUNCH_FAILED to see that through as well.
#[unsafe(no_mangle)]
unsafe extern "C" fn cuLaunchKernel(
    function: *mut c_void,
    grid_x: c_uint,
    grid_y: c_uint,
    grid_z: c_uint,
    block_x: c_uint,
    block_y: c_uint,
    block_z: c_uint,
    shared_bytes: c_uint,
    stream: *mut c_void,
    parameters: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> c_uint {
    let seen = [
        function as u64,
        grid_x.into(),
        grid_y.into(),
        grid_z.into(),
        block_x.into(),
        block_y.into(),
        block_z.into(),
        shared_bytes.into(),
        stream as u64,
        parameters as u64,
        extra as u64,
    ];
    // SAFETY: the test passes such an array.
    unsafe { *extra.cast::<[u64; 11]>() = seen };
    719
}

/// Not the arguments of the real function but a mixture that fills the integer
/// registers, the float registers and the stack: a trampoline must not care.
#[rustfmt::skip]
#[unsafe(no_mangle)]
unsafe extern "C" fn cuTexRefSetMipmapLevelClamp(
    seen: *mut [f64; 20],
    i0: i64, f0: f64, i1: i64, f1: f64, i2: i64, f2: f64, i3: i64, f3: f64,
    i4: i64, f4: f64, i5: i64, f5: f64, i6: i64, f6: f64, i7: i64, f7: f64,
    i8: i64, f8: f64, i9: i64, f9: f64,
) -> c_uint {
    // SAFETY: the test passes such an array.
    unsafe {
        *seen = [
            i0 as f64, f0, i1 as f64, f1, i2 as f64, f2, i3 as f64, f3,
            i4 as f64, f4, i5 as f64, f5, i6 as f64, f6, i7 as f64, f7,
            i8 as f64, f8, i9 as f64, f9,
        ];
    }
    0
}
