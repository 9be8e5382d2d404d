//! A shared library for Python: files as DLPack tensors, and tensors as files. `check.py`,
//! beside this, loads it with ctypes and tries it with PyTorch. `batches.py` loads a folder to batches.
//!
//! Functions that fail say why on standard error, and return null or 1.

use imagecuda::{
    Device, Image, LoadOptions, Result, TensorElement, TensorFit, TensorOptions,
    batch::{Loader, Tensors},
    dlpack::{DLManagedTensor, DLManagedTensorVersioned, DlpackTensor},
};
use std::{
    ffi::{CStr, c_char, c_int},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    ptr, slice,
};

/// Loads a file as a tensor of `f32`, shape (height, width, 4), on a device: `cpu`, `cuda:0`, …
/// For a capsule named `dltensor`.
///
/// # Safety
///
/// Both are strings of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn imagecuda_load(
    path: *const c_char,
    device: *const c_char,
) -> *mut DLManagedTensor {
    // SAFETY: strings, as the caller says.
    let (path, device) = unsafe { (text(path), text(device)) };
    guarded(|| {
        let image = LoadOptions::new().load(&open(device)?, as_path(path))?;
        Ok(image.into_dlpack()?.into_raw_unversioned())
    })
    .unwrap_or(ptr::null_mut())
}

/// The same as `u8`, for a capsule named `dltensor_versioned`.
///
/// # Safety
///
/// As `imagecuda_load`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn imagecuda_load_u8(
    path: *const c_char,
    device: *const c_char,
) -> *mut DLManagedTensorVersioned {
    // SAFETY: strings, as the caller says.
    let (path, device) = unsafe { (text(path), text(device)) };
    guarded(|| {
        let image = LoadOptions::new().load_u8(&open(device)?, as_path(path))?;
        Ok(image.into_dlpack()?.into_raw())
    })
    .unwrap_or(ptr::null_mut())
}

/// Saves a tensor, in the format that the name tells, and calls its deleter. Returns 0, or 1 if
/// it failed.
///
/// # Safety
///
/// `tensor` is one that nobody else frees, and complete; `path` is a string of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn imagecuda_save(
    tensor: *mut DLManagedTensor,
    path: *const c_char,
) -> c_int {
    // SAFETY: as the caller says.
    let (tensor, path) = unsafe { (DlpackTensor::from_raw_unversioned(tensor), text(path)) };
    let saved = guarded(|| imagecuda::save(&Image::from_dlpack(tensor?)?, as_path(path)));
    c_int::from(saved.is_none())
}

/// The batches of some files, for [`imagecuda_next_batch`].
#[derive(Debug)]
pub struct Batches(Tensors<PathBuf>);

/// Starts to load files to batches of `batch` pictures of `side` by `side` pixels: channels first, float16,
/// normalised with the mean and the standard deviation of ImageNet. Files that do not load are left out.
///
/// # Safety
///
/// `paths` are `count` strings of C, and `device` is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn imagecuda_batches(
    paths: *const *const c_char,
    count: usize,
    device: *const c_char,
    side: u32,
    batch: usize,
) -> *mut Batches {
    // SAFETY: strings, as the caller says.
    let paths = unsafe { slice::from_raw_parts(paths, count) };
    // SAFETY: as above.
    let (files, device) = unsafe {
        let files: Vec<PathBuf> = paths.iter().map(|&path| as_path(text(path))).collect();
        (files, text(device))
    };
    guarded(|| {
        let options = TensorOptions::new()
            .element(TensorElement::F16)
            .size(side, side)
            .fit(TensorFit::Cover)
            .mean([0.485, 0.456, 0.406])
            .std([0.229, 0.224, 0.225]);
        let batches = Loader::new(&open(device)?).tensors(files, &options, batch);
        Ok(Box::into_raw(Box::new(Batches(batches.skip_failures()))))
    })
    .unwrap_or(ptr::null_mut())
}

/// The next batch, for a capsule named `dltensor`; null at the end.
///
/// # Safety
///
/// `batches` is what [`imagecuda_batches`] returned, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn imagecuda_next_batch(batches: *mut Batches) -> *mut DLManagedTensor {
    // SAFETY: as the caller says.
    let Batches(batches) = unsafe { &mut *batches };
    guarded(|| {
        let Some(batch) = batches.next() else {
            return Ok(ptr::null_mut());
        };
        let (tensor, _) = batch?.into_parts();
        Ok(tensor.into_dlpack()?.into_raw_unversioned())
    })
    .unwrap_or(ptr::null_mut())
}

/// Ends the batches.
///
/// # Safety
///
/// `batches` is what [`imagecuda_batches`] returned, and is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn imagecuda_end_batches(batches: *mut Batches) {
    // SAFETY: as the caller says.
    let batches = unsafe { Box::from_raw(batches) };
    guarded(|| {
        drop(batches);
        Ok(())
    });
}

/// The result, if there is one; else says why not. No panic leaves this library.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Some(value),
        Ok(Err(error)) => {
            eprintln!("imagecuda: {error}");
            None
        }
        // The panic has said what it is.
        Err(_) => None,
    }
}

fn open(device: &CStr) -> Result<Device> {
    device.to_string_lossy().parse()
}

#[cfg(unix)]
fn as_path(path: &CStr) -> PathBuf {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    PathBuf::from(OsStr::from_bytes(path.to_bytes()))
}

/// Python has paths as UTF-8 on Windows.
#[cfg(not(unix))]
fn as_path(path: &CStr) -> PathBuf {
    PathBuf::from(path.to_string_lossy().as_ref())
}

/// A string of C; null is an empty one.
///
/// # Safety
///
/// `text` is null or ends in zero, and outlives the call that it was given to.
unsafe fn text<'a>(text: *const c_char) -> &'a CStr {
    if text.is_null() {
        return c"";
    }
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(text) }
}
