//! The kernels of PNG. [`decoder`](crate::png::decoder) explains how those that decode work
//! together; their argument is a [`DecodeJob`](crate::png::decoder::job::DecodeJob). Those that
//! encode have their arguments in [`encode::jobs`](crate::png::encode::jobs).

mod block;
mod decode;
mod encode;
mod shared_words;
