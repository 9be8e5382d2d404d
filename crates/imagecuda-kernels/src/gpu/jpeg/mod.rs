//! The kernels of JPEG. What each is told is in [`jobs`](crate::jpeg::jobs).

mod block_shared;
mod encode;

mod pictures;
mod prefix_sums;
mod stuffing;
mod synchronize;
mod write;
