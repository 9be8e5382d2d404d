//! The kernels of JPEG. What each is told is in [`jobs`](crate::jpeg::jobs).

mod encode;
mod here;
mod pictures;
mod stuffing;
mod sums;
mod synchronize;
mod write;
