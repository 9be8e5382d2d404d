//! JPEG: the same pixels as libjpeg-turbo's (its integer DCT `islow`, its "fancy" upsampling),
//! bit for bit.
//!
//! - [`picture`]: what is where: components, their blocks and their samples.

pub mod picture;
