//! EXIF and ICC profiles.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| imagecuda_fuzz::run("metadata", data));
