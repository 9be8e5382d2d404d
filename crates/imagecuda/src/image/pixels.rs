//! Access to the pixels on the CPU device.

use crate::{
    DeviceImage, DevicePixel, Error, Result,
    device::{Buffer, cpu},
};

impl<P: DevicePixel> DeviceImage<P> {
    /// The pixels in the memory of the CPU device, row by row from the top. Nothing is copied.
    /// `None` on a GPU: [`download`](Self::download) copies the pixels from there, and
    /// `as_device_ptr` gives their address.
    pub fn pixels(&self) -> Option<&[P]> {
        let len = self.len();
        match &self.buffer {
            Buffer::Cpu(pixels) => Some(&pixels[..len]),
            Buffer::Cuda(_) => None,
        }
    }

    /// The pixels as in [`pixels`](Self::pixels), for changes in place.
    pub fn pixels_mut(&mut self) -> Option<&mut [P]> {
        let len = self.len();
        match &mut self.buffer {
            Buffer::Cpu(pixels) => Some(&mut pixels[..len]),
            Buffer::Cuda(_) => None,
        }
    }

    /// Replaces every pixel by `body(x, y, pixel)`, in place, on all cores of the CPU device. `x`
    /// counts from the left, `y` from the top. The order of the calls is not defined.
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, Image, RgbaF32};
    ///
    /// fn faded(x: u32, width: u32, RgbaF32([r, g, b, a]): RgbaF32) -> RgbaF32 {
    ///     RgbaF32([r, g, b, a * (1.0 - x as f32 / width as f32)])
    /// }
    ///
    /// let mut image = Image::new(&Device::cpu(), 4, 1)?;
    /// image.upload(&[1.0; 16])?;
    /// let width = image.width();
    /// image.map_pixels(|x, _, pixel| faded(x, width, pixel))?;
    /// assert_eq!(image.download()?[12..], [1.0, 1.0, 1.0, 0.25]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # The same on a GPU
    ///
    /// A closure of your program cannot run on a GPU. Write its body as a function in a small
    /// `no_std` crate, and beside it a kernel that calls the function for one pixel:
    ///
    /// ```text
    /// #[unsafe(no_mangle)]
    /// pub unsafe extern "ptx-kernel" fn fade(pixels: *mut RgbaF32, width: u32, height: u32) {
    ///     let i = thread::block_idx_x() * thread::block_dim_x() + thread::thread_idx_x();
    ///     if i < width as usize * height as usize {
    ///         let x = (i % width as usize) as u32;
    ///         unsafe { pixels.add(i).write(faded(x, width, pixels.add(i).read())) };
    ///     }
    /// }
    /// ```
    ///
    /// The crate `imagecuda-kernel-builder` compiles this crate to PTX from a build script.
    /// `imagecuda-kernels` has the pixel types and `thread`. Your program launches the kernel on
    /// the image's memory, with the [`cust`](https://docs.rs/cust) that this crate re-exports:
    ///
    /// ```
    /// # #[cfg(feature = "cuda")]
    /// # fn fade(image: &imagecuda::Image, ptx: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// use imagecuda::cust::{launch, module::Module};
    ///
    /// let device = image.device();
    /// if let (Some(stream), Some(pixels)) = (device.stream(), image.as_device_ptr()) {
    ///     device.make_current()?;
    ///     let module = Module::from_ptx(ptx, &[])?; // once, and kept
    ///     let kernel = module.get_function("fade")?;
    ///     let (width, height) = (image.width(), image.height());
    ///     let blocks = (u64::from(width) * u64::from(height)).div_ceil(128) as u32;
    ///     // SAFETY: the arguments are the kernel's, and the image has that many pixels.
    ///     unsafe { launch!(kernel<<<blocks, 128, 0, stream>>>(pixels, width, height))? };
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Both give the same bits if the body calls only functions of `core` and `libm`. The
    /// repository's `examples/custom_kernel` is a complete program of this kind.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) on a GPU; the pixels are then
    /// unchanged.
    pub fn map_pixels(&mut self, body: impl Fn(u32, u32, P) -> P + Sync) -> Result<()> {
        let (device, width) = (self.device().clone(), self.width() as usize);
        let pixels = self.pixels_mut().ok_or_else(|| {
            Error::unsupported(format!(
                "map_pixels on {device}, as a closure cannot run there: launch a kernel on \
                 as_device_ptr(), or go through to_device(&Device::cpu())"
            ))
        })?;
        cpu::map(width, pixels, body);
        Ok(())
    }
}
