//! Files to tensors.

use crate::{Device, LoadOptions, Result, Tensor, TensorOptions};
use std::path::Path;

impl LoadOptions {
    /// Loads a file to a tensor of one picture on `device`: the elements are those of [`load`](Self::load)
    /// and [`Image::to_tensor`](crate::Image::to_tensor). On the CPU, rows of the file become floats one at a
    /// time, without an image of floats in between. That is so unless the file is also to become smaller
    /// ([`fit`](Self::fit), [`scale`](Self::scale)), and for planes of luma and chroma (HEIF, lossy WebP).
    ///
    /// # Errors
    ///
    /// As both.
    pub fn load_tensor(
        &self,
        device: &Device,
        path: impl AsRef<Path>,
        options: &TensorOptions,
    ) -> Result<Tensor> {
        options.check()?;
        let path = path.as_ref();
        if device.is_cuda() {
            let tensor = self.load(device, path)?.to_tensor(options);
            return tensor.map_err(|error| error.with_path(path));
        }
        self.open(device, path)?.with_context(path, |decoded| {
            decoded.into_image_of_rows()?.to_tensor(options)
        })
    }

    /// Loads a file's bytes in memory, as [`load_tensor`](Self::load_tensor) loads a file.
    ///
    /// # Errors
    ///
    /// As [`load_tensor`](Self::load_tensor).
    pub fn decode_tensor(
        &self,
        device: &Device,
        bytes: &[u8],
        options: &TensorOptions,
    ) -> Result<Tensor> {
        options.check()?;
        if device.is_cuda() {
            return self.decode(device, bytes)?.to_tensor(options);
        }
        let decoded = self.open_bytes(device, bytes)?;
        decoded.into_image_of_rows()?.to_tensor(options)
    }
}

/// Loads a file to a tensor on the default device.
///
/// # Errors
///
/// As [`LoadOptions::load_tensor`], and [`NoDevice`](crate::ErrorKind::NoDevice).
pub fn load_tensor(path: impl AsRef<Path>, options: &TensorOptions) -> Result<Tensor> {
    LoadOptions::new().load_tensor(&Device::try_default()?, path, options)
}

/// Loads a file's bytes to a tensor on the default device.
///
/// # Errors
///
/// As [`load_tensor`].
pub fn decode_tensor(bytes: &[u8], options: &TensorOptions) -> Result<Tensor> {
    LoadOptions::new().decode_tensor(&Device::try_default()?, bytes, options)
}
