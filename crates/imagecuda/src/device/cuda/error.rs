//! CUDA's error numbers in words. The driver's own texts need a driver, and `cust` panics when
//! there is none.

use crate::{Error, ErrorKind, Result};
use cust::{error::CudaError, sys};

/// Converts the result of a `cust` function. `call` names the driver's function.
pub(super) fn check<T>(call: &'static str, result: Result<T, CudaError>) -> Result<T> {
    result.map_err(|error| from_cuda(call, error))
}

/// Converts the result of a driver function. `call` is its name.
pub(super) fn check_raw(call: &'static str, result: sys::CUresult) -> Result<()> {
    match result {
        sys::CUresult::CUDA_SUCCESS => Ok(()),
        error => Err(device_error(call, error as u32)),
    }
}

pub(super) fn from_cuda(call: &'static str, error: CudaError) -> Error {
    device_error(call, error as u32)
}

pub(super) fn device_error(call: &'static str, code: u32) -> Error {
    let meaning = meaning(code);
    ErrorKind::Device {
        call,
        code,
        meaning,
    }
    .into()
}

fn meaning(code: u32) -> &'static str {
    match code {
        1 => "invalid value",
        2 => "out of memory",
        3 => "the driver is not initialised",
        4 => "the driver is shutting down",
        34 => "libcuda is a stub, not a driver",
        35 => "the driver is too old for the library",
        36 => "the driver's parts have different versions",
        46 => "the device is busy or not to be had",
        100 => "no GPU",
        101 => "no such device",
        200 => "damaged kernel image",
        201 => "invalid context",
        209 => "no kernel for this GPU",
        214 => "uncorrectable memory error",
        218 => "the PTX cannot be compiled",
        222 => "the driver is too old for the PTX",
        304 => "the operating system refused",
        400 => "invalid handle",
        500 => "not found in the driver",
        600 => "not ready",
        700 => "a kernel accessed memory that is not its own",
        701 => "the launch needs more than the GPU has",
        702 => "a kernel ran out of time",
        709 => "the context is destroyed",
        710 => "a kernel's assertion failed",
        715 => "a kernel trapped",
        716 => "a kernel accessed misaligned memory",
        718 | 719 => "a kernel failed",
        800 => "not permitted",
        801 => "not supported",
        802 => "the system is not ready: its fabric manager may not run",
        803 => "the driver and its kernel module have different versions",
        804 => "the driver does not support this GPU in forward compatibility",
        _ => "unknown error",
    }
}
