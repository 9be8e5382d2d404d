//! Files to tensors.

use crate::{Device, LoadOptions, Result, Tensor, TensorOptions};
use std::path::Path;

impl LoadOptions {
    /// Loads a file to a tensor of one picture on `device`: [`load`](Self::load) and
    /// [`Image::to_tensor`](crate::Image::to_tensor).
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
        let tensor = self.load(device, path)?.to_tensor(options);
        tensor.map_err(|error| error.with_path(path))
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
        self.decode(device, bytes)?.to_tensor(options)
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
