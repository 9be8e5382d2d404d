//! The functions of the CUDA driver.

mod copy;
mod device;
mod memory;
mod module;
mod state;
mod stream;

use state::{Driver, lock};
use std::ffi::c_int;

/// `CUresult`.
pub(crate) type Code = c_int;

pub(crate) mod code {
    use super::Code;

    pub(crate) const SUCCESS: Code = 0;
    pub(crate) const INVALID_VALUE: Code = 1;
    pub(crate) const OUT_OF_MEMORY: Code = 2;
    pub(crate) const NOT_INITIALIZED: Code = 3;
    pub(crate) const INVALID_DEVICE: Code = 101;
    pub(crate) const INVALID_CONTEXT: Code = 201;
    pub(crate) const NO_BINARY_FOR_GPU: Code = 209;
    pub(crate) const INVALID_PTX: Code = 218;
    pub(crate) const INVALID_HANDLE: Code = 400;
    pub(crate) const NOT_FOUND: Code = 500;
    pub(crate) const NOT_READY: Code = 600;
    pub(crate) const ILLEGAL_ADDRESS: Code = 700;
    pub(crate) const LAUNCH_TIMEOUT: Code = 702;
    pub(crate) const ILLEGAL_INSTRUCTION: Code = 715;
    pub(crate) const MISALIGNED_ADDRESS: Code = 716;
    pub(crate) const LAUNCH_FAILED: Code = 719;
    pub(crate) const NOT_SUPPORTED: Code = 801;
}

/// The result of a driver function as a code.
fn answer(result: Result<(), Code>) -> Code {
    result.err().unwrap_or(code::SUCCESS)
}

/// Does something with the driver's state, if it is initialised and no kernel has failed.
fn with(f: impl FnOnce(&mut Driver) -> Result<(), Code>) -> Code {
    let mut driver = lock();
    if !driver.is_initialised {
        return code::NOT_INITIALIZED;
    }
    if let Some(error) = driver.error {
        return error;
    }
    let result = f(&mut driver);
    // What runs at once may have failed.
    answer(result.and_then(|()| driver.error.map_or(Ok(()), Err)))
}

/// Writes a result to where the caller wants it.
///
/// # Safety
///
/// The pointer is null or has room for the value.
unsafe fn put<T>(place: *mut T, value: T) -> Result<(), Code> {
    if place.is_null() {
        return Err(code::INVALID_VALUE);
    }
    // SAFETY: what the caller promised.
    unsafe { place.write(value) };
    Ok(())
}
