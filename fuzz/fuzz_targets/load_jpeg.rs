//! JPEG files, by the host and the kernels.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| imagecuda_fuzz::run("load_jpeg", data));
