//! The device and its contexts.

use super::{Code, answer, code, put, with};
use crate::{grid, options};
use std::{
    cell::RefCell,
    ffi::{CStr, c_char, c_int, c_uint},
    slice,
};

const NAME: &[u8] = b"Software emulation of CUDA";

/// The one context; all that are made are this.
const CONTEXT: u64 = 0xC0;

thread_local! {
    /// The current contexts of the thread.
    static CURRENT: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

#[unsafe(no_mangle)]
extern "C" fn cuInit(flags: c_uint) -> Code {
    if flags != 0 {
        return code::INVALID_VALUE;
    }
    super::lock().is_initialised = true;
    code::SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDriverGetVersion(version: *mut c_int) -> Code {
    // SAFETY: the caller gives room for it, as in all functions of the driver that give results.
    answer(unsafe { put(version, 12_090) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetCount(count: *mut c_int) -> Code {
    // SAFETY: as in `cuDriverGetVersion`.
    with(|_| unsafe { put(count, 1) })
}

fn check(device: c_int) -> Result<(), Code> {
    if device == 0 {
        Ok(())
    } else {
        Err(code::INVALID_DEVICE)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGet(device: *mut c_int, ordinal: c_int) -> Code {
    with(|_| {
        check(ordinal)?;
        // SAFETY: as in `cuDriverGetVersion`.
        unsafe { put(device, ordinal) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetName(name: *mut c_char, room: c_int, device: c_int) -> Code {
    with(|_| {
        check(device)?;
        let room = usize::try_from(room).map_err(|_| code::INVALID_VALUE)?;
        if name.is_null() || room == 0 {
            return Err(code::INVALID_VALUE);
        }
        // SAFETY: the caller gives an array of that size.
        let place = unsafe { slice::from_raw_parts_mut(name.cast::<u8>(), room) };
        let length = NAME.len().min(room - 1);
        place[..length].copy_from_slice(&NAME[..length]);
        place[length] = 0;
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceTotalMem_v2(bytes: *mut usize, device: c_int) -> Code {
    with(|_| {
        check(device)?;
        // SAFETY: as in `cuDriverGetVersion`.
        unsafe { put(bytes, options::get().memory) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetUuid_v2(uuid: *mut [u8; 16], device: c_int) -> Code {
    with(|_| {
        check(device)?;
        // SAFETY: as in `cuDriverGetVersion`.
        unsafe { put(uuid, *b"cuda-emulator\0\0\0") }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetAttribute(
    value: *mut c_int,
    attribute: c_int,
    device: c_int,
) -> Code {
    with(|_| {
        check(device)?;
        // By the numbers of `CUdevice_attribute`.
        let found = match attribute {
            // Threads of a block, and its sizes.
            1..=3 => 1024,
            4 => 64,
            // Blocks of a grid.
            5 => i32::MAX,
            6 | 7 => 65_535,
            // Shared memory of a block, also with cuFuncSetAttribute, and of a multiprocessor.
            8 => 48 << 10,
            97 => 96 << 10,
            81 => options::get().shared as i32,
            9 => 64 << 10,
            10 => 32,
            // Clock rates in kHz.
            13 | 36 => 1_000_000,
            16 => grid::MULTIPROCESSORS as i32,
            // Mapping of the host's memory, kernels at the same time, unified addresses.
            19 | 31 | 41 => 1,
            39 => grid::RESIDENT_THREADS as i32,
            // The compute capability. It is one for which libraries have PTX and no machine code.
            75 => 7,
            76 => 0,
            106 => grid::RESIDENT_BLOCKS as i32,
            // Memory pools.
            115 => 1,
            _ => 0,
        };
        // SAFETY: as in `cuDriverGetVersion`.
        unsafe { put(value, found) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDevicePrimaryCtxRetain(context: *mut u64, device: c_int) -> Code {
    with(|_| {
        check(device)?;
        // SAFETY: as in `cuDriverGetVersion`.
        unsafe { put(context, CONTEXT) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxRelease_v2(device: c_int) -> Code {
    with(|_| check(device))
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxSetFlags_v2(device: c_int, _flags: c_uint) -> Code {
    with(|_| check(device))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxGetCurrent(context: *mut u64) -> Code {
    let current = CURRENT.with_borrow(|all| all.last().copied().unwrap_or(0));
    // SAFETY: as in `cuDriverGetVersion`.
    with(|_| unsafe { put(context, current) })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSetCurrent(context: u64) -> Code {
    CURRENT.with_borrow_mut(|all| {
        all.pop();
        if context != 0 {
            all.push(context);
        }
    });
    with(|_| Ok(()))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxPushCurrent_v2(context: u64) -> Code {
    CURRENT.with_borrow_mut(|all| all.push(context));
    with(|_| Ok(()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxPopCurrent_v2(context: *mut u64) -> Code {
    let popped = CURRENT.with_borrow_mut(Vec::pop);
    with(|_| {
        let popped = popped.ok_or(code::INVALID_CONTEXT)?;
        if context.is_null() {
            return Ok(());
        }
        // SAFETY: as in `cuDriverGetVersion`.
        unsafe { put(context, popped) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxGetDevice(device: *mut c_int) -> Code {
    // SAFETY: as in `cuDriverGetVersion`.
    with(|_| unsafe { put(device, 0) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxGetApiVersion(_context: u64, version: *mut c_uint) -> Code {
    // SAFETY: as in `cuDriverGetVersion`.
    with(|_| unsafe { put(version, 12_090) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxGetStreamPriorityRange(least: *mut c_int, greatest: *mut c_int) -> Code {
    with(|_| {
        for place in [least, greatest] {
            if !place.is_null() {
                // SAFETY: as in `cuDriverGetVersion`.
                unsafe { put(place, 0)? };
            }
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSynchronize() -> Code {
    with(|driver| {
        driver.drain_all();
        Ok(())
    })
}

fn error_name(error: Code) -> &'static CStr {
    match error {
        code::SUCCESS => c"CUDA_SUCCESS",
        code::INVALID_VALUE => c"CUDA_ERROR_INVALID_VALUE",
        code::OUT_OF_MEMORY => c"CUDA_ERROR_OUT_OF_MEMORY",
        code::NOT_INITIALIZED => c"CUDA_ERROR_NOT_INITIALIZED",
        code::NOT_FOUND => c"CUDA_ERROR_NOT_FOUND",
        code::NOT_READY => c"CUDA_ERROR_NOT_READY",
        code::ILLEGAL_ADDRESS => c"CUDA_ERROR_ILLEGAL_ADDRESS",
        code::MISALIGNED_ADDRESS => c"CUDA_ERROR_MISALIGNED_ADDRESS",
        code::LAUNCH_FAILED => c"CUDA_ERROR_LAUNCH_FAILED",
        _ => c"CUDA_ERROR_UNKNOWN",
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGetErrorName(error: Code, text: *mut *const c_char) -> Code {
    // SAFETY: as in `cuDriverGetVersion`.
    answer(unsafe { put(text, error_name(error).as_ptr()) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGetErrorString(error: Code, text: *mut *const c_char) -> Code {
    // SAFETY: as in `cuDriverGetVersion`.
    answer(unsafe { put(text, error_name(error).as_ptr()) })
}
