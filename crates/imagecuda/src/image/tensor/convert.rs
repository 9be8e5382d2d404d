//! Images to tensors.

use super::Tensor;
#[cfg(doc)]
use crate::ErrorKind;
use crate::{
    Image, Result, TensorFit, TensorOptions,
    device::{PendingPicture, TensorJob},
    resample::{Placement, Plan, Sampling},
    trace::span,
};
use imagecuda_kernels::{
    pixel::unit_from_u8,
    resample::Input,
    tensor::{TensorChannels, TensorSpec},
};
use std::ops::Range;

impl Image {
    /// Makes a tensor of one picture: resampled to [`size`](TensorOptions::size), normalised, its channels
    /// in their order and its elements of their type. What comes after the last sum of a filter, or after
    /// the pixel where nothing is resampled, is one kernel.
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, Image, TensorLayout, TensorOptions};
    ///
    /// let image = Image::new(&Device::cpu(), 640, 480)?;
    /// let options = TensorOptions::new().layout(TensorLayout::Nhwc);
    /// assert_eq!(image.to_tensor(&options)?.shape(), [1, 480, 640, 3]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`] for options that are out of range, [`ErrorKind::ZeroDimension`],
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`].
    pub fn to_tensor(&self, options: &TensorOptions) -> Result<Tensor> {
        options.check()?;
        let size = options.size.unwrap_or(self.dimensions());
        let mut tensor = Tensor::for_overwrite(self.device(), 1, size, options)?;
        self.to_tensor_into(options, &mut tensor, 0)?;
        Ok(tensor)
    }

    /// Writes the picture to `tensor`, as its picture number `picture`.
    ///
    /// # Errors
    ///
    /// As [`to_tensor`](Self::to_tensor); [`ErrorKind::InvalidOption`] too if the tensor's layout, channels,
    /// elements or size are not those of the options, or if it has no such picture;
    /// [`ErrorKind::DeviceMismatch`].
    pub fn to_tensor_into(
        &self,
        options: &TensorOptions,
        tensor: &mut Tensor,
        picture: usize,
    ) -> Result<()> {
        match self.start_picture(options, tensor, picture)? {
            Some(pending) => tensor.make(&[(self, &pending)]),
            None => Ok(()),
        }
    }

    /// As [`to_tensor_into`](Self::to_tensor_into), but where many pictures can be made together, it only
    /// returns what [`Tensor::make`] needs to make this one.
    pub(crate) fn start_picture(
        &self,
        options: &TensorOptions,
        tensor: &mut Tensor,
        picture: usize,
    ) -> Result<Option<PendingPicture>> {
        let (place, job) = self.tensor_job(options, tensor, picture)?;
        tensor.buffer.start_picture(place, &self.buffer, job)
    }

    /// As [`start_picture`](Self::start_picture), for an image on a GPU whose memory holds 8-bit pixels. `None` if
    /// the kernels for this picture need floats.
    pub(crate) fn start_picture_of_bytes(
        &self,
        options: &TensorOptions,
        tensor: &mut Tensor,
        picture: usize,
    ) -> Result<Option<PendingPicture>> {
        let (place, job) = self.tensor_job(options, tensor, picture)?;
        let source = &self.buffer;
        tensor.buffer.start_picture_of_bytes(place, source, &job)
    }

    /// Makes floats of the 8-bit pixels that the image's memory holds. Does not wait.
    pub(crate) fn expand_bytes(&mut self) -> Result<()> {
        let pixels = self.width as usize * self.height as usize;
        self.buffer.expand_own_bytes(pixels)
    }

    /// The place of a picture among the bytes of a tensor, and how it becomes that of the tensor.
    fn tensor_job(
        &self,
        options: &TensorOptions,
        tensor: &Tensor,
        picture: usize,
    ) -> Result<(Range<usize>, TensorJob)> {
        options.check()?;
        tensor.check(options, picture)?;
        span!("to_tensor", device = %self.device, width = self.width, height = self.height);
        let source = self.dimensions();
        let (plan, spec) = plan(source, tensor.size(), options)?;
        let bytes = tensor.picture_bytes();
        let place = picture * bytes..(picture + 1) * bytes;
        Ok((place, TensorJob { plan, spec, source }))
    }
}

impl Tensor {
    /// Makes pictures of images, in the order of the pictures.
    pub(crate) fn make(&mut self, pictures: &[(&Image, &PendingPicture)]) -> Result<()> {
        let pictures = pictures
            .iter()
            .map(|(image, pending)| (&image.buffer, *pending));
        self.buffer.make_pictures(&pictures.collect::<Vec<_>>())
    }
}

/// How a picture of the size `source` becomes one of a tensor.
fn plan(
    source: (u32, u32),
    size: (u32, u32),
    options: &TensorOptions,
) -> Result<(Plan, TensorSpec)> {
    let (sampling, place) = match options.fit {
        TensorFit::Stretch => (Sampling::whole(source, size), Placement::whole(size)),
        TensorFit::Cover => (Sampling::cover(source, size), Placement::whole(size)),
        TensorFit::Contain(_) => {
            let place = Placement::contained(source, size);
            (Sampling::whole(source, (place.width, place.height)), place)
        }
    };
    let background = options.background.map(|rgb| rgb.map(unit_from_u8));
    let input = match (background, options.channels) {
        (Some(_), _) => Input::Over,
        (None, TensorChannels::Rgba) => Input::Straight,
        (None, _) => Input::Opaque,
    };
    let behind = background.unwrap_or_default();
    let plan = match Plan::new(&sampling, options.filter, input, behind)? {
        // Padding around it: not all pixels of the tensor are of the picture.
        Plan::Identity if place != Placement::whole(size) => Plan::nearest(&sampling)?,
        plan => plan,
    };
    let pad = match options.fit {
        TensorFit::Contain(pad) => pad,
        _ => [0.0; 4],
    };
    let in_order = |rgb: [f32; 3], alpha: f32| {
        let [r, g, b] = rgb;
        match options.channels {
            TensorChannels::Bgr => [b, g, r, alpha],
            _ => [r, g, b, alpha],
        }
    };
    let spec = TensorSpec {
        width: size.0,
        height: size.1,
        left: place.left,
        top: place.top,
        inner_width: place.width,
        inner_height: place.height,
        layout: options.layout as u32,
        channels: options.channels as u32,
        element: options.element as u32,
        flatten: u32::from(background.is_some()),
        mean: in_order(options.mean, 0.0),
        scale: in_order(options.std.map(|std| (1.0 / f64::from(std)) as f32), 1.0),
        pad,
        background: behind,
    };
    Ok((plan, spec))
}
