//! The kernels of JPEG. [`decoder`](crate::jpeg::decoder) explains how those that decode work
//! together; their arguments are in [`jobs`](crate::jpeg::jobs), and those of the encoder in
//! [`encode::jobs`](crate::jpeg::encode::jobs).

mod block_shared;
mod encode;
mod forward;
mod mend;
mod pictures;
mod positions;
pub(super) mod prefix_sums;
mod progressive;
mod reduced;
mod stuffing;
mod synchronize;
mod write;
