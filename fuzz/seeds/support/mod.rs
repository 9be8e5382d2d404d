//! What the project's tests make files with.

#[path = "../../../tests/support/animations.rs"]
pub(crate) mod animations;
#[path = "../../../tests/support/exr.rs"]
pub(crate) mod exr;
pub(crate) mod jpegs;
#[path = "../../../tests/support/noise.rs"]
mod noise;

pub(crate) use self::noise::Noise;
