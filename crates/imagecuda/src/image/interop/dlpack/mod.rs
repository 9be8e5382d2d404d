//! Exports images as tensors for PyTorch, JAX, CuPy, NumPy and other libraries that support
//! [DLPack](https://dmlc.github.io/dlpack/latest/), and imports tensors as images.
//!
//! ```
//! # fn main() -> imagecuda::Result<()> {
//! use imagecuda::{Device, Image, dlpack::DlpackTensor};
//!
//! let image = Image::new(&Device::cpu(), 64, 48)?; // or `load`, or on a GPU
//! // The pixels stay where they are, and belong to whoever calls the tensor's deleter.
//! let tensor = image.into_dlpack()?.into_raw_unversioned();
//!
//! // SAFETY: a whole tensor, which nobody else owns.
//! let tensor = unsafe { DlpackTensor::from_raw_unversioned(tensor)? };
//! let image = Image::from_dlpack(tensor)?;
//! assert_eq!((image.width(), image.height()), (64, 48));
//! # Ok(())
//! # }
//! ```
//!
//! For Python, put the pointer into a `PyCapsule` named `dltensor`
//! ([`into_raw_unversioned`](DlpackTensor::into_raw_unversioned)) or `dltensor_versioned`
//! ([`into_raw`](DlpackTensor::into_raw)), and pass the capsule to
//! `torch.utils.dlpack.from_dlpack`, for example. The example `dlpack` does this. Import the
//! pointer in a capsule with [`from_raw_unversioned`](DlpackTensor::from_raw_unversioned) or
//! [`from_raw`](DlpackTensor::from_raw), after renaming the capsule to `used_dltensor`.
//!
//! The C interface is five small structs that do not change, so this module declares them itself.
//! The crate `dlpark` has 11,000 lines and does not know `cust`'s streams, and each of its 0.x
//! releases would force one of ours.
#![allow(unsafe_code)]

mod abi;
mod export;
mod import;

pub use abi::*;

use crate::{Error, Result};
use std::{any::Any, ffi::c_void, fmt};

/// A tensor and its owner: an image of this crate, or memory of another library. Dropping it frees
/// the image, or calls the deleter of the other library's tensor.
pub struct DlpackTensor {
    tensor: DLTensor,
    flags: u64,
    /// Keeps alive what `tensor` points to.
    owner: Box<dyn Any>,
}

/// A tensor of another library.
struct Foreign<T> {
    managed: *mut T,
    deleter: Option<unsafe extern "C" fn(*mut T)>,
}

impl<T> Drop for Foreign<T> {
    fn drop(&mut self) {
        if let Some(deleter) = self.deleter {
            // SAFETY: the tensor's own deleter, with the tensor, as DLPack wants it. Nobody has
            // called it: who made this said that it is the only owner, and this drops once.
            unsafe { deleter(self.managed) };
        }
    }
}

impl DlpackTensor {
    /// Takes over a tensor of DLPack 1. Its deleter is called once: when this is dropped, or
    /// right away if this fails.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for another major version;
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) for null.
    ///
    /// # Safety
    ///
    /// `managed` is null or a tensor as DLPack describes it, which nobody else frees. Its memory
    /// is readable where its shape, strides and offset say, and until the deleter is called is
    /// written by none but the consumer. On a CUDA device, all that writes it is done, or was
    /// put in front of what this crate's `Device::stream` runs next,
    /// which is the stream to ask `__dlpack__` for.
    pub unsafe fn from_raw(managed: *mut DLManagedTensorVersioned) -> Result<Self> {
        if managed.is_null() {
            return Err(Error::option("tensor", "the pointer is null"));
        }
        // SAFETY: a live tensor, and every version has these two fields here.
        let (version, deleter) = unsafe { ((*managed).version, (*managed).deleter) };
        let owner = Box::new(Foreign { managed, deleter });
        let DLPackVersion { major, minor } = version;
        if major != DLPackVersion::CURRENT.major {
            return Err(Error::unsupported(format!("DLPack {major}.{minor}")));
        }
        // SAFETY: the tensor lives, as `owner` has not been dropped, and of this version, which was
        // looked at, it has all of the fields.
        let (tensor, flags) = unsafe { ((*managed).dl_tensor, (*managed).flags) };
        Ok(Self {
            tensor,
            flags,
            owner,
        })
    }

    /// As [`from_raw`](Self::from_raw), for a tensor from before DLPack 1.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) for null.
    ///
    /// # Safety
    ///
    /// As [`from_raw`](Self::from_raw).
    pub unsafe fn from_raw_unversioned(managed: *mut DLManagedTensor) -> Result<Self> {
        // SAFETY: by the caller's word null, or a live tensor that nobody else changes; its fields
        // are copied, and the reference is gone before anyone may free it.
        let Some(tensor) = (unsafe { managed.as_ref() }) else {
            return Err(Error::option("tensor", "the pointer is null"));
        };
        Ok(Self {
            tensor: tensor.dl_tensor,
            flags: 0,
            owner: Box::new(Foreign {
                managed,
                deleter: tensor.deleter,
            }),
        })
    }

    /// Passes the tensor to C, as DLPack 1.0. The new owner must call its deleter once.
    pub fn into_raw(self) -> *mut DLManagedTensorVersioned {
        Box::into_raw(Box::new(DLManagedTensorVersioned {
            version: DLPackVersion::CURRENT,
            manager_ctx: leak(self.owner),
            deleter: Some(delete_versioned),
            flags: self.flags,
            dl_tensor: self.tensor,
        }))
    }

    /// Passes the tensor to C, as DLPack before 1.0. The new owner must call its deleter once. That
    /// version cannot say that a tensor is read-only, so this information is lost.
    pub fn into_raw_unversioned(self) -> *mut DLManagedTensor {
        Box::into_raw(Box::new(DLManagedTensor {
            dl_tensor: self.tensor,
            manager_ctx: leak(self.owner),
            deleter: Some(delete_unversioned),
        }))
    }

    /// The tensor's device, type and shape. Its pointers are valid as long as `self`.
    pub fn dl_tensor(&self) -> &DLTensor {
        &self.tensor
    }
}

/// Boxes the owner once more, because a pointer to a trait object is two words and C keeps one.
fn leak(owner: Box<dyn Any>) -> *mut c_void {
    Box::into_raw(Box::new(owner)).cast()
}

unsafe extern "C" fn delete_versioned(managed: *mut DLManagedTensorVersioned) {
    // SAFETY: `into_raw` boxed both, and the consumer calls this once.
    unsafe {
        let managed = Box::from_raw(managed);
        drop(Box::from_raw(managed.manager_ctx.cast::<Box<dyn Any>>()));
    }
}

unsafe extern "C" fn delete_unversioned(managed: *mut DLManagedTensor) {
    // SAFETY: `into_raw_unversioned` boxed both, and the consumer calls this once.
    unsafe {
        let managed = Box::from_raw(managed);
        drop(Box::from_raw(managed.manager_ctx.cast::<Box<dyn Any>>()));
    }
}

impl fmt::Debug for DlpackTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DlpackTensor")
            .field("device", &self.tensor.device)
            .field("dtype", &self.tensor.dtype)
            .field("ndim", &self.tensor.ndim)
            .finish_non_exhaustive()
    }
}
