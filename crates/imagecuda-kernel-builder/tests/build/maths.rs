//! A crate beside the kernel crate.
#![no_std]

#[inline(never)]
pub fn scale(value: f32, by: f32) -> f32 {
    assert!(by > 0.0, "a scale is positive");
    value * by
}
