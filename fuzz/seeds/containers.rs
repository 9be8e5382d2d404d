//! Files that the library reads and does not write.

use super::{
    support::animations::{png_chunk, zlib},
    tiff::tiff,
};
use flate2::{Compress, Compression, FlushCompress};
use moxcms::ColorProfile;

/// PNGs of all depths, with palettes, and with one colour that is clear.
pub(crate) fn pngs() -> Vec<Vec<u8>> {
    const WIDTH: u32 = 13;
    const HEIGHT: u32 = 11;
    let mut files = Vec::new();
    for (color, depths) in [
        (0, &[1, 2, 4, 8, 16][..]),
        (2, &[8, 16]),
        (3, &[1, 2, 4, 8]),
        (4, &[8, 16]),
        (6, &[8, 16]),
    ] {
        let channels = [1, 0, 3, 1, 2, 0, 4][color as usize];
        for &depth in depths {
            let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
            let size = [WIDTH.to_be_bytes(), HEIGHT.to_be_bytes()].concat();
            let kind = [depth, color, 0, 0, 0];
            png_chunk(&mut file, b"IHDR", &[&size[..], &kind].concat());
            if depth == 8 {
                png_chunk(&mut file, b"cICP", &[9, 16, 0, 1]);
            }
            if color == 3 {
                let palette: Vec<u8> = (0..3 << depth).map(|i| (i * 7) as u8).collect();
                png_chunk(&mut file, b"PLTE", &palette);
                png_chunk(&mut file, b"tRNS", &[0, 128]);
            }
            if color == 0 {
                png_chunk(&mut file, b"tRNS", &[0, 1]);
            }
            if color == 2 {
                png_chunk(&mut file, b"tRNS", &[0, 1, 0, 2, 0, 3]);
            }
            png_chunk(&mut file, b"eXIf", &exif(u16::from(depth) % 8 + 1, false));
            let row = (WIDTH as usize * channels * usize::from(depth)).div_ceil(8);
            let data: Vec<u8> = (0..HEIGHT as usize)
                .flat_map(|y| {
                    let samples = (0..row).map(move |x| (x * 11 + y * 5) as u8);
                    std::iter::once((y % 5) as u8).chain(samples)
                })
                .collect();
            // In two chunks.
            let data = zlib(&data);
            let (head, tail) = data.split_at(data.len() / 2);
            png_chunk(&mut file, b"IDAT", head);
            png_chunk(&mut file, b"IDAT", tail);
            png_chunk(&mut file, b"IEND", &[]);
            files.push(file);
        }
    }
    files
}

/// Deflated data behind the choices of `png_stream`: of every level, with flushes and without.
pub(crate) fn deflated() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (level, flush) in [
        (0, FlushCompress::None),
        (1, FlushCompress::None),
        (6, FlushCompress::None),
        (9, FlushCompress::None),
        (6, FlushCompress::Sync),
        (6, FlushCompress::Full),
        (1, FlushCompress::Partial),
    ] {
        for (rows, width) in [(1u32, 5u32), (40, 60), (90, 250)] {
            // The filter of each row, and samples that repeat.
            let bytes: Vec<u8> = (0..rows * (width + 1))
                .map(|i| match (i / (width + 1), i % (width + 1)) {
                    (y, 0) => (y % 5) as u8,
                    (y, x) => ((x * x / 7) ^ (y * 3)) as u8 & 31,
                })
                .collect();
            let mut deflate = Compress::new(Compression::new(level), false);
            let mut data = vec![0, (width - 1) as u8, 99, 0, 1];
            data.reserve(2 * bytes.len() + 4096);
            for part in bytes.chunks(700) {
                deflate.compress_vec(part, &mut data, flush).unwrap();
            }
            let finish = FlushCompress::Finish;
            deflate.compress_vec(&[], &mut data, finish).unwrap();
            all.push(data);
        }
    }
    all
}

/// Files of text, of bits, and of fewer channels.
pub(crate) fn others() -> Vec<Vec<u8>> {
    let mut files = vec![
        b"P1\n# bits\n5 3\n1 0 1 0 1\n0 1 0 1 0\n1 1 1 1 1\n".to_vec(),
        b"P2\n4 2\n15\n0 5 10 15\n15 10 5 0\n".to_vec(),
        b"P3\n2 2\n255\n255 0 0 0 255 0 0 0 255 9 9 9\n".to_vec(),
        b"P4\n9 2\n\xaa\x80\x55\0".to_vec(),
        b"P5\n3 2\n65535\n\0\x01\0\x02\0\x03\xff\0\xff\x01\xff\x02".to_vec(),
        b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n\x01\x02\x03\x04".to_vec(),
        b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 2\n\x80\x40\x20\x81\x01\x01\x01\x01\x80\x80\x80\x80\x10\x20\x30\x40".to_vec(),
        b"#?AUTOPANO\r\nEXPOSURE=2\r\nFORMAT=32-bit_rle_xyze\r\n\r\n-X 1 +Y 8\r\n\x02\x02\0\x08\x88\x40\x08\x01\x02\x03\x04\x05\x06\x07\x08\x88\x20\x88\x81".to_vec(),
        b"P2\n3 1 #size\n9\n1 # one\n2 #two\n3".to_vec(),
        b"qoif\0\0\0\x03\0\0\0\x02\x04\0\xfe\x01\x02\x03\xc1\x6a\x85\x92\x05\0\0\0\0\0\0\0\x01".to_vec(),
    ];
    let floats: Vec<u8> = [0.5_f32, -1.0, 2.0, f32::NAN, 1e9, 0.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    files.push([b"PF\n1 2\n-1.0\n", &floats[..]].concat());
    files.push([b"Pf\n3 2\n-1.0\n", &floats[..]].concat());
    // TGA: a palette, runs of it, gray, and pixels of 16 bits from the top.
    for (kind, depth, descriptor) in [
        (1, 8, 0),
        (9, 8, 0),
        (3, 8, 0x20),
        (11, 8, 0),
        (2, 16, 0x21),
    ] {
        let has_map = kind & 3 == 1;
        let mut file = vec![0, has_map.into(), kind, 0, 0];
        file.extend([if has_map { 4 } else { 0 }, 0, if has_map { 24 } else { 0 }]);
        file.extend([0, 0, 0, 0, 5, 0, 2, 0, depth, descriptor]);
        if has_map {
            file.extend((0..12).map(|i| i * 20));
        }
        match kind {
            1 => file.extend((0..10).map(|i| i % 4)),
            9 | 11 => file.extend([0x83, 2, 0x02, 1, 2, 3, 0x82, 0]),
            _ => file.extend((0..20).map(|i| i * 12)),
        }
        files.push(file);
    }
    // BMP: palettes, runs, masks, and from the top.
    for (bits, compression, height) in [
        (1, 0, 4_i32),
        (4, 0, 4),
        (8, 0, -4),
        (4, 2, 4),
        (8, 1, 4),
        (16, 3, 4),
        (16, 0, 4),
        (24, 0, -4),
        (32, 3, 4),
    ] {
        let colors: u32 = if bits <= 8 { 1 << bits } else { 0 };
        let masks: &[u32] = match (compression, bits) {
            (3, 16) => &[0xf800, 0x7e0, 0x1f],
            (3, _) => &[0xff_0000, 0xff00, 0xff],
            _ => &[],
        };
        let data: Vec<u8> = match (compression, bits) {
            (1, _) => {
                b"\x03\x07\x02\x09\0\0\0\x03\x01\x02\x03\0\0\0\x05\x04\0\x02\x01\0\0\x01".to_vec()
            }
            (2, _) => b"\x05\x12\0\0\0\x04\x12\x34\0\0\x04\x56\0\x01".to_vec(),
            _ => (0..5 * 4 * 4).map(|i| (i * 29) as u8).collect(),
        };
        let at = 54 + masks.len() as u32 * 4 + colors * 4;
        let mut file = b"BM".to_vec();
        file.extend((at + data.len() as u32).to_le_bytes());
        file.extend([0; 4]);
        file.extend(at.to_le_bytes());
        file.extend([40_u32, 5].map(u32::to_le_bytes).concat());
        file.extend(height.to_le_bytes());
        file.extend([1_u16, bits].map(u16::to_le_bytes).concat());
        let sizes = [compression, data.len() as u32, 0, 0, colors, 0];
        file.extend(sizes.map(u32::to_le_bytes).concat());
        file.extend(masks.iter().flat_map(|mask| mask.to_le_bytes()));
        file.extend((0..colors * 4).map(|i| (i * 3) as u8));
        file.extend(data);
        files.push(file);
    }
    files
}

/// EXIF of this orientation, with directories within directories.
pub(crate) fn exif(orientation: u16, big_endian: bool) -> Vec<u8> {
    // One entry each: a short, in the byte order of the rest.
    let inner = |tag: u16| {
        let fields = [1, tag, 3];
        let mut bytes = Vec::new();
        let fields = fields.into_iter().chain(match big_endian {
            true => [0, 1, 7, 0, 0, 0],
            false => [1, 0, 7, 0, 0, 0],
        });
        for field in fields {
            bytes.extend(match big_endian {
                true => field.to_be_bytes(),
                false => field.to_le_bytes(),
            });
        }
        bytes
    };
    let maker = b"imagecuda\0".map(u32::from).to_vec();
    let tags = vec![
        (271, 2, maker),
        (274, 3, vec![orientation.into()]),
        (282, 5, vec![72, 1]),
        (34665, 4, vec![8]),
        (34853, 4, vec![26]),
    ];
    tiff(big_endian, &[inner(34850), inner(1)].concat(), tags)
}

/// ICC profiles: curves and matrices, gamma, PQ.
pub(crate) fn profiles() -> Vec<Vec<u8>> {
    [
        ColorProfile::new_display_p3(),
        ColorProfile::new_srgb(),
        ColorProfile::new_adobe_rgb(),
        ColorProfile::new_pro_photo_rgb(),
        ColorProfile::new_gray_with_gamma(2.2),
        ColorProfile::new_bt2020_pq(),
        ColorProfile::new_bt2020_hlg(),
        ColorProfile::new_lab(),
    ]
    .iter()
    .filter_map(|profile| profile.encode().ok())
    .collect()
}

/// Inputs of the target `metadata`.
pub(crate) fn metadata() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for (index, profile) in profiles().iter().chain([&Vec::new()]).enumerate() {
        for format in 0..4 {
            for forced in 0..2 {
                let exif = exif(index as u16 % 8 + 1, format % 2 == 0);
                let mut input = vec![forced, format];
                input.extend((exif.len() as u16).to_le_bytes());
                input.extend(exif);
                input.extend(profile);
                inputs.push(input);
            }
        }
    }
    inputs
}
