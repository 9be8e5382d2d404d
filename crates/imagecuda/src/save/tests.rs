//! What a save in flight takes.

use crate::{Depth, Device, Format, Image, JpegEncoder, SaveOptions, Subsampling};

fn bytes(options: SaveOptions, format: Format, (width, height): (u32, u32)) -> u64 {
    let image = Image::new(&Device::cpu(), width, height).unwrap();
    options.job_in(format, None).unwrap().bytes(&image)
}

#[test]
fn packed_pixels_count_as_in_the_file() {
    let pixels = 40 * 30;
    let of = |options, format| bytes(options, format, (40, 30));
    let opaque = SaveOptions::new().background([0; 3]);
    assert_eq!(of(opaque.clone(), Format::Bmp), 3 * pixels);
    assert_eq!(of(opaque.clone(), Format::Png), 3 * pixels);
    assert_eq!(of(SaveOptions::new(), Format::Png), 4 * pixels);
    let deep = SaveOptions::new().depth(Depth::U16);
    assert_eq!(of(deep, Format::Png), 8 * pixels);
    assert_eq!(of(SaveOptions::new(), Format::Exr), 16 * pixels);
}

/// Kernels make the coefficients of whole MCUs, 128 bytes a block.
#[test]
fn coefficients_of_progressive_files_count() {
    let kernels = SaveOptions::new().jpeg_encoder(JpegEncoder::Kernels);
    let progressive = kernels.clone().progressive(true);
    for (size, subsampling, blocks) in [
        ((64, 48), Subsampling::Yuv444, 8 * 6 * 3),
        ((64, 48), Subsampling::Yuv422, 4 * 6 * 4),
        ((64, 48), Subsampling::Yuv420, 4 * 3 * 6),
        ((17, 1), Subsampling::Yuv444, 3 * 3),
        ((17, 1), Subsampling::Yuv420, 2 * 6),
    ] {
        let options = progressive.clone().subsampling(subsampling);
        let pixels = u64::from(size.0 * size.1);
        let expected = (128 * blocks).max(3 * pixels);
        assert_eq!(bytes(options, Format::Jpeg, size), expected);
        let baseline = kernels.clone().subsampling(subsampling);
        assert_eq!(bytes(baseline, Format::Jpeg, size), 3 * pixels);
    }
    // The host makes no coefficients of the whole picture.
    let host = progressive.jpeg_encoder(JpegEncoder::Host);
    assert_eq!(bytes(host, Format::Jpeg, (64, 48)), 3 * 64 * 48);
    // What cannot be saved at all counts as pixels, and is the error of the save.
    let wide = kernels.progressive(true);
    assert_eq!(bytes(wide, Format::Jpeg, (70_000, 1)), 3 * 70_000);
}
