//! Kinds that few programs write: arithmetic codes, 12 bits, lossless files, and those whose height
//! stands behind the first scan.

use super::{DECODERS, LARGE, decode, options};
use crate::support::jpegs::{self, RARE, difference, hash, reference};
use imagecuda::{Device, LoadOptions};

/// All samples are libjpeg-turbo's, as shares of the largest.
pub(super) fn rare_kinds_are_exact(device: &Device) {
    for rare in &RARE {
        let bytes = rare.bytes();
        let info = LoadOptions::new().inspect_bytes(&bytes).unwrap();
        let depth = match rare.bits {
            bits @ (8 | 16) => bits as usize,
            _ => 32,
        };
        assert_eq!((info.depth(), info.channels()), (depth, 3), "{}", rare.what);
        assert_eq!([info.width(), info.height()], rare.size);
        for decoder in DECODERS {
            let image = options(decoder).decode(device, &bytes).unwrap();
            assert_eq!([image.width(), image.height()], rare.size);
            let top = ((1_u32 << rare.bits) - 1) as f32;
            let pixels = image.download().unwrap();
            let samples = pixels.chunks_exact(4).flat_map(|pixel| {
                assert_eq!(pixel[3], 1.0);
                [pixel[0], pixel[1], pixel[2]].map(|share| {
                    let sample = (share * top).round();
                    assert_eq!(sample / top, share, "{}", rare.what);
                    sample as u16
                })
            });
            assert_eq!(hash(samples), rare.hash, "{decoder:?} {}", rare.what);
        }
    }
}

/// The pixels are those of the file that has its height in front.
pub(super) fn heights_behind_the_first_scan(device: &Device) {
    for seed in 0..60 {
        let jpeg = jpegs::random(seed);
        let expected = reference(&jpeg.bytes).unwrap().picture();
        let bytes = jpegs::with_height_behind(&jpeg.bytes);
        for decoder in DECODERS {
            let found = decode(device, &bytes, decoder, false, LARGE).unwrap();
            let difference = difference(&found.picture, &expected);
            assert_eq!(difference, None, "{seed}: {decoder:?}: {}", jpeg.what);
        }
    }
}
