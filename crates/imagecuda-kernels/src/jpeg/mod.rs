//! JPEG: the same pixels as libjpeg-turbo's (its integer DCT `islow`, its "fancy" upsampling),
//! bit for bit.
//!
//! - [`picture`]: what is where: components, their blocks and their samples.
//! - [`idct`]: coefficients to samples.
//! - [`upsample`]: a sample for every pixel.
//! - [`color`]: samples to RGB, or inks.

pub mod color;
pub mod idct;
pub mod picture;
pub mod upsample;
