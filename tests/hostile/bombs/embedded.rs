//! JPEG and WebP files in strips of TIFF, which say that they are larger than those.

use super::{
    Bomb, Fate,
    animated::{riff, vp8l},
    bomb,
    jpeg::baseline,
    tiff::files::{HEAD, behind, directory, one, pieces, strip, tags},
};

pub(super) fn all() -> Vec<Bomb> {
    vec![
        bomb(
            "a giant JPEG inside",
            "64² pixels, and 65,500² there",
            "tif",
            strip(64, 64, 7, &baseline(65_500, 65_500, 1, &[0; 999]), &[]),
            Fate::Refused,
        ),
        bomb(
            "a large JPEG inside",
            "64² pixels, and 16,384² there",
            "tif",
            strip(64, 64, 7, &baseline(16_384, 16_384, 1, &[0; 999]), &[]),
            Fate::Refused,
        ),
        bomb(
            "a large JPEG's header in the tables",
            "64² pixels, and 16,384² there",
            "tif",
            {
                let jpeg = baseline(16_384, 16_384, 1, &[0; 999]);
                let at = jpeg.windows(2).position(|two| two == [0xff, 0xda]).unwrap();
                let tables = [&jpeg[..at], &[0xff, 0xd9]].concat();
                let data = [&[0xff, 0xd8], &jpeg[at..]].concat();
                let at = behind(10) + data.len() as u32;
                let more = [(347, 7, tables.len() as u32, at)];
                [strip(64, 64, 7, &data, &more), tables].concat()
            },
            Fate::Refused,
        ),
        bomb(
            "large JPEGs inside",
            "64 × 640 pixels, and 16,384² in each row",
            "tif",
            pieces(
                64,
                640,
                None,
                640,
                7,
                &baseline(16_384, 16_384, 1, &[0; 999]),
            ),
            Fate::Refused,
        ),
        bomb(
            "a giant WebP inside",
            "64² pixels, and 16,383² there",
            "tif",
            {
                let webp = riff(&[(b"VP8L", vp8l(16_383, 16_383))]);
                let mut all = tags(64, 64, 50_001);
                let at = behind(all.len() + 3);
                all[2] = (258, 3, 3, at);
                all[4..].copy_from_slice(&[one(262, 2), one(277, 3)]);
                all.extend([one(273, at + 6), one(278, 64), one(279, webp.len() as u32)]);
                all.sort();
                [HEAD, &directory(&all, 0), &[8, 0, 8, 0, 8, 0], &webp].concat()
            },
            Fate::Refused,
        ),
    ]
}
