//! Pictures of many bits a block, in which decoders synchronise late.

use super::super::{Jpeg, encode::write};
use crate::{SaveOptions, Subsampling, device::cpu, picture::Pixels};
use imagecuda_kernels::{jpeg::picture::BLOCK, layout::Layout};
use std::io::Cursor;

/// Noise over a gradient. `mask` says how much.
fn picture(width: u32, height: u32, mask: u8) -> Vec<u8> {
    let noise = |i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8 & mask;
    let sample = |i: u32| noise(i ^ i >> 7).wrapping_add((i / 3 % width / 4) as u8 & !mask);
    (0..width * height * 3).map(sample).collect()
}

#[test]
fn kernels_decode_them_themselves() {
    const SIZE: (u32, u32) = (640, 400);
    for mask in [0x07, 0x0f] {
        let data = picture(SIZE.0, SIZE.1, mask);
        for quality in [90, 95, 98, 100] {
            for (subsampling, optimize, restarts) in [
                (Subsampling::Yuv420, false, 0),
                (Subsampling::Yuv420, true, 0),
                (Subsampling::Yuv422, true, 0),
                (Subsampling::Yuv444, false, 0),
                (Subsampling::Yuv444, false, 97),
            ] {
                let pixels = Pixels {
                    width: SIZE.0,
                    height: SIZE.1,
                    layout: Layout::Rgb8,
                    data: &data,
                };
                let options = SaveOptions::new()
                    .quality(quality)
                    .subsampling(subsampling)
                    .optimize_huffman(optimize)
                    .restart_interval(restarts);
                let mut out = Cursor::new(Vec::new());
                write(pixels, &options, &mut out).unwrap();
                let bytes = out.into_inner();
                let jpeg = Jpeg::read(&bytes, false).unwrap();
                let what = format!("{mask} {quality} {subsampling:?} {optimize} {restarts}");
                let mut expected = vec![0; jpeg.picture().blocks() * BLOCK];
                jpeg.coefficients(&mut expected).unwrap();
                for alone in [true, false] {
                    let plan = jpeg.plan(alone).unwrap();
                    let decoded = cpu::decode_jpeg(&jpeg, &plan).unwrap();
                    assert!(decoded.expect(&what) == expected, "{what} {alone}");
                }
            }
        }
    }
}
