//! JPEG: a decoder with the pixels of libjpeg-turbo, and an encoder with its bytes.

mod device;
pub(crate) mod encode;
mod entropy;
mod entropy_segment;
mod file;
mod first_scan;
mod markers;
mod pixels;
#[cfg_attr(
    not(feature = "cuda"),
    expect(
        dead_code,
        reason = "a GPU needs more of a plan than the emulation does"
    )
)]
mod plan;
mod samples;
pub(crate) mod segments;
mod tables;

#[cfg(unix)] // elsewhere files are read in order
pub(crate) use self::entropy_segment::look_at_part;
pub(crate) use self::{
    device::Jpeg, entropy_segment::LookedAt, first_scan::FirstScan, plan::GpuPlan,
};
#[cfg(feature = "cuda")]
pub(crate) use self::{entropy::planes::starts::Positions, plan::ScanPlan};

#[cfg(test)]
pub(crate) mod tests;
