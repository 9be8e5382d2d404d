//! PNG: read through the `png` crate, written by code of our own.

pub(crate) mod chunks;
pub(super) mod encode;
pub(super) mod frames;
pub(super) mod recover;
