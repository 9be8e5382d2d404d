//! BMP, ICO, OpenEXR, PNM, QOI, Radiance HDR, TGA, and what is not known.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| imagecuda_fuzz::run("load_other", data));
