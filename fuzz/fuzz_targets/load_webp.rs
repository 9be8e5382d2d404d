//! WebP files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| imagecuda_fuzz::run("load_webp", data));
