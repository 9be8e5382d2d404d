//! The kernels of JPEG. What each is told is in [`jobs`](crate::jpeg::jobs).

mod block_shared;
mod encode;
mod forward;

mod pictures;
mod prefix_sums;
mod stuffing;
mod synchronize;
mod write;
