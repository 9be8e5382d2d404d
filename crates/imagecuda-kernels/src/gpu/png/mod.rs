//! The kernels of PNG. [`decoder`](crate::png::decoder) explains how those that decode work
//! together; their argument is a [`DecodeJob`](crate::png::decoder::job::DecodeJob).

mod block;
mod decode;
