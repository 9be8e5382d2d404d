//! A library that makes tensors, as seen from this one.

use imagecuda::{
    Device, ImageU8,
    dlpack::{DL_FLOAT, DL_UINT, DLDataType, DLManagedTensor, DLTensor, DlpackTensor},
};
use std::{
    ptr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

pub(super) const U8: DLDataType = dtype(DL_UINT, 8);
pub(super) const U16: DLDataType = dtype(DL_UINT, 16);
pub(super) const F32: DLDataType = dtype(DL_FLOAT, 32);

pub(super) const fn dtype(code: u8, bits: u8) -> DLDataType {
    DLDataType {
        code,
        bits,
        lanes: 1,
    }
}

/// A tensor of another library: bytes in a device's memory, and a count of its deleter's calls.
pub(super) struct Producer {
    shape: Vec<i64>,
    strides: Option<Vec<i64>>,
    /// The bytes, as the pixels of an image: memory of either device.
    memory: ImageU8,
    deleted: Arc<AtomicUsize>,
}

/// Pointers that a test wants to be wrong, or null.
pub(super) type Change = fn(&mut DLTensor);

impl Producer {
    /// `bytes` from `offset` on.
    pub(super) fn new(device: &Device, shape: &[i64], bytes: &[u8], offset: usize) -> Self {
        let mut whole = vec![0; offset];
        whole.extend(bytes);
        whole.resize(whole.len().next_multiple_of(4).max(4), 0xee);
        let mut memory = ImageU8::new(device, (whole.len() / 4) as u32, 1).unwrap();
        memory.upload(&whole).unwrap();
        device.synchronize().unwrap();
        Self {
            shape: shape.to_vec(),
            strides: None,
            memory,
            deleted: Arc::default(),
        }
    }

    pub(super) fn strides(mut self, strides: &[i64]) -> Self {
        self.strides = Some(strides.to_vec());
        self
    }

    pub(super) fn give(self, dtype: DLDataType, offset: usize) -> (DlpackTensor, Arc<AtomicUsize>) {
        self.give_changed(dtype, offset, |_| ())
    }

    pub(super) fn give_changed(
        self,
        dtype: DLDataType,
        offset: usize,
        change: Change,
    ) -> (DlpackTensor, Arc<AtomicUsize>) {
        let Self {
            mut shape,
            mut strides,
            memory,
            deleted,
        } = self;
        let counter = deleted.clone();
        // The memory's own tensor says where it is.
        let bytes = memory.into_dlpack().unwrap();
        let mut dl_tensor = DLTensor {
            dtype,
            ndim: shape.len() as i32,
            shape: shape.as_mut_ptr(),
            strides: strides.as_mut().map_or(ptr::null_mut(), Vec::as_mut_ptr),
            byte_offset: offset as u64,
            ..*bytes.dl_tensor()
        };
        change(&mut dl_tensor);
        let owner = Box::new((bytes, shape, strides, deleted));
        let managed = Box::into_raw(Box::new(DLManagedTensor {
            dl_tensor,
            manager_ctx: Box::into_raw(owner).cast(),
            deleter: Some(delete),
        }));
        // SAFETY: as DLPack wants it, and ours alone.
        let tensor = unsafe { DlpackTensor::from_raw_unversioned(managed) };
        (tensor.unwrap(), counter)
    }
}

type Owner = (DlpackTensor, Vec<i64>, Option<Vec<i64>>, Arc<AtomicUsize>);

unsafe extern "C" fn delete(managed: *mut DLManagedTensor) {
    // SAFETY: boxed by `give_changed`, and called once; a second call would crash.
    unsafe {
        let managed = Box::from_raw(managed);
        let owner = Box::from_raw(managed.manager_ctx.cast::<Owner>());
        owner.3.fetch_add(1, Ordering::Relaxed);
    }
}

#[track_caller]
pub(super) fn freed_once(counter: &AtomicUsize) {
    assert_eq!(counter.load(Ordering::Relaxed), 1, "calls of the deleter");
}
