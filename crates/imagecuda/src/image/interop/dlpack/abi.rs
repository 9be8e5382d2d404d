//! DLPack's C structs, under their C names: <https://dmlc.github.io/dlpack/latest/c_api.html>.

use std::ffi::c_void;

/// [`DLDevice::device_type`] of host memory.
pub const DL_CPU: i32 = 1;
/// [`DLDevice::device_type`] of a CUDA device's memory.
pub const DL_CUDA: i32 = 2;
/// [`DLDevice::device_type`] of page-locked host memory.
pub const DL_CUDA_HOST: i32 = 3;

/// [`DLDataType::code`] of unsigned integers.
pub const DL_UINT: u8 = 1;
/// [`DLDataType::code`] of IEEE floats.
pub const DL_FLOAT: u8 = 2;
/// [`DLDataType::code`] of bfloat16, which has 16 bits.
pub const DL_BFLOAT: u8 = 4;

/// [`DLManagedTensorVersioned::flags`]: the consumer must not write to the tensor.
pub const DLPACK_FLAG_BITMASK_READ_ONLY: u64 = 1;

/// The device that holds a tensor's memory.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DLDevice {
    /// The kind of device: [`DL_CPU`], [`DL_CUDA`], …
    pub device_type: i32,
    /// The number of the device.
    pub device_id: i32,
}

/// The type of a tensor's elements.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DLDataType {
    /// The kind of number: [`DL_UINT`], [`DL_FLOAT`], …
    pub code: u8,
    /// Bits per lane.
    pub bits: u8,
    /// The lanes of a vector. 1 for a scalar.
    pub lanes: u16,
}

/// A tensor, without the owner of its memory.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DLTensor {
    /// The memory. The first element lies `byte_offset` bytes after this address.
    pub data: *mut c_void,
    /// The device of the memory.
    pub device: DLDevice,
    /// The number of dimensions.
    pub ndim: i32,
    /// The type of the elements.
    pub dtype: DLDataType,
    /// The extent of each dimension.
    pub shape: *mut i64,
    /// The distance between neighbours in each dimension, in elements. Null if the rows are packed.
    pub strides: *mut i64,
    /// Bytes from `data` to the first element.
    pub byte_offset: u64,
}

/// A tensor with its deleter. A `PyCapsule` named `dltensor` holds one.
#[repr(C)]
#[derive(Debug)]
pub struct DLManagedTensor {
    /// The tensor.
    pub dl_tensor: DLTensor,
    /// For the producer only.
    pub manager_ctx: *mut c_void,
    /// Frees the tensor. The consumer calls it once, from any thread.
    pub deleter: Option<unsafe extern "C" fn(*mut DLManagedTensor)>,
}

/// A version of DLPack. Versions with different `major` numbers have different structs.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DLPackVersion {
    /// The version of the structs.
    pub major: u32,
    /// The version of the constants.
    pub minor: u32,
}

impl DLPackVersion {
    /// The version that this module writes.
    pub const CURRENT: Self = Self { major: 1, minor: 0 };
}

/// A tensor with its deleter, since DLPack 1.0. A `PyCapsule` named `dltensor_versioned` holds one.
#[repr(C)]
#[derive(Debug)]
pub struct DLManagedTensorVersioned {
    /// The version of the following fields.
    pub version: DLPackVersion,
    /// For the producer only.
    pub manager_ctx: *mut c_void,
    /// Frees the tensor. The consumer calls it once, from any thread.
    pub deleter: Option<unsafe extern "C" fn(*mut DLManagedTensorVersioned)>,
    /// [`DLPACK_FLAG_BITMASK_READ_ONLY`] and others.
    pub flags: u64,
    /// The tensor.
    pub dl_tensor: DLTensor,
}

// The sizes and offsets that a C compiler gives for the header on a 64-bit machine.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<DLTensor>() == 48);
    assert!(size_of::<DLManagedTensor>() == 64);
    assert!(size_of::<DLManagedTensorVersioned>() == 80);
};
