//! What a set of pictures is like: the numbers to normalise it with, and its mean picture.

use candle_core::{D, DType, Device, Result, Tensor};

/// Sums over all pictures so far. They stay on candle's device, so a GPU is never waited for.
pub(crate) struct Sums {
    pictures: usize,
    /// Of each channel's samples, and of their squares, in double precision.
    samples: Tensor,
    squares: Tensor,
    /// Of each sample at its place.
    picture: Tensor,
}

/// The mean and the standard deviation of each channel, and the mean picture.
pub(crate) struct Statistics {
    pub(crate) mean: Vec<f64>,
    pub(crate) std: Vec<f64>,
    pub(crate) picture: Tensor,
}

impl Sums {
    pub(crate) fn new((width, height): (u32, u32), device: &Device) -> Result<Self> {
        let picture = (3, height as usize, width as usize);
        Ok(Self {
            pictures: 0,
            samples: Tensor::zeros(3, DType::F64, device)?,
            squares: Tensor::zeros(3, DType::F64, device)?,
            picture: Tensor::zeros(picture, DType::F64, device)?,
        })
    }

    /// Adds pictures: of the shape N × 3 × height × width, at least one.
    pub(crate) fn add(&mut self, batch: &Tensor) -> Result<()> {
        // Halves are too coarse for sums. `f32` will do for the sum of a row, or of a batch.
        let batch = batch.to_dtype(DType::F32)?;
        let sum = |samples: Tensor| -> Result<Tensor> {
            let rows = samples.sum(D::Minus1)?.to_dtype(DType::F64)?;
            rows.sum((0, 2))
        };
        self.samples = (&self.samples + sum(batch.clone())?)?;
        self.squares = (&self.squares + sum(batch.sqr()?)?)?;
        self.picture = (&self.picture + batch.sum(0)?.to_dtype(DType::F64)?)?;
        self.pictures += batch.dim(0)?;
        Ok(())
    }

    /// What they come to; `None` without a picture.
    pub(crate) fn finish(&self) -> Result<Option<Statistics>> {
        if self.pictures == 0 {
            return Ok(None);
        }
        let (_, height, width) = self.picture.dims3()?;
        let samples = (self.pictures * height * width) as f64;
        let mean = (&self.samples / samples)?;
        let variance = ((&self.squares / samples)? - mean.sqr()?)?;
        Ok(Some(Statistics {
            mean: mean.to_vec1()?,
            // Rounding may make nothing less than nothing.
            std: variance.relu()?.sqrt()?.to_vec1()?,
            picture: (&self.picture / self.pictures as f64)?,
        }))
    }
}
