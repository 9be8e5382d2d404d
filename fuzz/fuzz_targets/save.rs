//! Pictures and animations saved in any format but JPEG.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| imagecuda_fuzz::run("save", data));
