//! The kernels of PNG. Those that encode have their arguments in
//! [`encode::jobs`](crate::png::encode::jobs).

mod encode;
