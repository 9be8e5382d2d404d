//! Deflated data of PNG files, decoded by kernels and by the host.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| imagecuda_fuzz::run("png_stream", data));
