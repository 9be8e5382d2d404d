//! Pictures saved as JPEG.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| imagecuda_fuzz::run("save_jpeg", data));
