//! HEIF and AVIF files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| imagecuda_fuzz::run("load_heif", data));
