//! The formats without many frames or parts: giants, runs, and headers without an end.

use super::{
    Bomb, Fate, bomb,
    png::{inflating, with},
};

fn bmp(width: i32, height: i32, compression: u32, depth: u16, data: &[u8]) -> Vec<u8> {
    let mut file = b"BM\0\0\0\0\0\0\0\0\x36\x04\0\0".to_vec();
    file.extend(40_u32.to_le_bytes());
    file.extend([width, height].map(i32::to_le_bytes).concat());
    file.extend([1, depth].map(u16::to_le_bytes).concat());
    file.extend([compression, 0, 0, 0, 0, 0].map(u32::to_le_bytes).concat());
    file.resize(0x436, 0);
    file.extend(data);
    file
}

fn tga(width: u16, height: u16, data: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend([width, height].map(u16::to_le_bytes).concat());
    file.extend([32, 8]);
    file.extend(data);
    file
}

fn qoi(width: u32, height: u32, data: &[u8]) -> Vec<u8> {
    let size = [width, height].map(u32::to_be_bytes).concat();
    [b"qoif", &size[..], &[4, 0], data, &[0, 0, 0, 0, 0, 0, 0, 1]].concat()
}

fn hdr(size: &str, data: &[u8]) -> Vec<u8> {
    [
        b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n",
        size.as_bytes(),
        b"\n",
        data,
    ]
    .concat()
}

/// Rows of one colour, in runs of 127.
fn hdr_rows(width: u16, height: usize) -> Vec<u8> {
    let [high, low] = width.to_be_bytes();
    let mut row = vec![2, 2, high, low];
    for _ in 0..4 {
        let mut left = usize::from(width);
        while left > 0 {
            let run = left.min(127);
            row.extend([128 + run as u8, 7]);
            left -= run;
        }
    }
    row.repeat(height)
}

fn ico(png: &[u8], count: u16) -> Vec<u8> {
    let mut file = [[0, 0], [1, 0], count.to_le_bytes()].concat();
    let at = 6 + 16 * u32::from(count);
    for _ in 0..count {
        file.extend([0, 0, 0, 0, 1, 0, 32, 0]);
        file.extend([png.len() as u32, at].map(u32::to_le_bytes).concat());
    }
    file.extend(png);
    file
}

pub(super) fn all() -> Vec<Bomb> {
    let most = i32::MAX;
    let runs = [0xff, 0].repeat(2048 * 2048 / 255 + 1);
    let tga_runs = [0xff, 0, 0, 0, 0].repeat(2048 * 2048 / 128);
    let mut png =
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x06\0\0\0".to_vec();
    let mut crc = flate2::Crc::new();
    crc.update(&png[12..]);
    png.extend(crc.sum().to_be_bytes());
    png.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    let pam = b"P7\nWIDTH 4294967295\nHEIGHT 4294967295\nDEPTH 4294967295\nMAXVAL 65535\n\
        TUPLTYPE RGB\nENDHDR\n\0";
    let comment = [
        &b"P6\n"[..],
        &b"# a line\n".repeat(3_000_000),
        b"64 64 255\n",
        &[0; 64 * 64 * 3],
    ]
    .concat();
    vec![
        bomb(
            "giant",
            "(2³¹ - 1)² pixels",
            "bmp",
            bmp(most, most, 0, 24, &[0; 99]),
            Fate::TooLarge,
        ),
        bomb(
            "giant upside down",
            "(2³¹ - 1)² pixels",
            "bmp",
            bmp(most, -most, 0, 32, &[0; 99]),
            Fate::TooLarge,
        ),
        bomb(
            "cut short at the limit",
            "16,384² pixels",
            "bmp",
            bmp(16_384, 16_384, 0, 24, &[0; 99]),
            Fate::NoMemory,
        ),
        bomb(
            "runs",
            "2,048² pixels",
            "bmp",
            bmp(2048, 2048, 1, 8, &runs),
            Fate::Anything,
        ),
        bomb(
            "runs that end at once",
            "2,048² pixels",
            "bmp",
            bmp(2048, 2048, 1, 8, &[0, 1]),
            Fate::Anything,
        ),
        bomb(
            "giant",
            "65,535² pixels",
            "tga",
            tga(65_535, 65_535, &tga_runs),
            Fate::TooLarge,
        ),
        bomb(
            "cut short at the limit",
            "16,384² pixels",
            "tga",
            tga(16_384, 16_384, &tga_runs[..99]),
            Fate::NoMemory,
        ),
        bomb(
            "runs",
            "2,048² pixels",
            "tga",
            tga(2048, 2048, &tga_runs),
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "giant",
            "(2³² - 1)² pixels",
            "qoi",
            qoi(u32::MAX, u32::MAX, &[0xfd; 99]),
            Fate::TooLarge,
        ),
        bomb(
            "cut short at the limit",
            "16,384² pixels",
            "qoi",
            qoi(16_384, 16_384, &[0xfd; 99]),
            Fate::NoMemory,
        ),
        bomb(
            "runs",
            "2,048² pixels",
            "qoi",
            qoi(2048, 2048, &vec![0xfd; 2048 * 2048 / 62 + 1]),
            Fate::Anything,
        ),
        bomb(
            "giant",
            "(2³¹ - 1)² pixels",
            "hdr",
            hdr("-Y 2147483647 +X 2147483647", &[0; 99]),
            Fate::TooLarge,
        ),
        bomb(
            "cut short at the limit",
            "8,192² pixels",
            "hdr",
            hdr("-Y 8192 +X 8192", &[2; 99]),
            Fate::NoMemory,
        ),
        bomb(
            "runs",
            "2,048 × 1,024 pixels",
            "hdr",
            hdr("-Y 1024 +X 2048", &hdr_rows(2048, 1024)),
            Fate::Picture(2048, 1024),
        ),
        bomb(
            "counts without an end",
            "8,192² pixels",
            "hdr",
            hdr("-Y 8192 +X 8192", &[1, 1, 1, 0].repeat(1_000_000)),
            Fate::NoMemory,
        ),
        bomb(
            "a header without an end",
            "30 MB of lines",
            "hdr",
            [&b"#?RADIANCE\n"[..], &b"VIEW=1\n".repeat(4_000_000)].concat(),
            Fate::Refused,
        ),
        bomb(
            "a line without an end",
            "30 MB",
            "hdr",
            [&b"#?RADIANCE\n"[..], &vec![b'a'; 30_000_000]].concat(),
            Fate::Refused,
        ),
        bomb(
            "giant",
            "(2³² - 1)² pixels",
            "ppm",
            b"P6\n4294967295 4294967295\n255\n\0\0\0".to_vec(),
            Fate::TooLarge,
        ),
        bomb(
            "larger than any number",
            "10³⁰ pixels a row",
            "ppm",
            b"P6\n1000000000000000000000000000000 1\n255\n".to_vec(),
            Fate::Refused,
        ),
        bomb(
            "cut short at the limit",
            "16,384² pixels",
            "ppm",
            b"P6\n16384 16384\n255\n\0\0\0".to_vec(),
            Fate::NoMemory,
        ),
        bomb(
            "comments",
            "3,000,000 lines",
            "ppm",
            comment,
            Fate::Picture(64, 64),
        ),
        bomb(
            "a number without an end",
            "30 MB of digits",
            "ppm",
            [&b"P6\n"[..], &vec![b'1'; 30_000_000]].concat(),
            Fate::Refused,
        ),
        bomb(
            "text of samples",
            "2,048² pixels in digits",
            "ppm",
            [&b"P2\n2048 2048\n1\n"[..], &b"1 ".repeat(2048 * 2048)].concat(),
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "giant",
            "(2³² - 1)² pixels, as many samples",
            "pam",
            pam.to_vec(),
            Fate::Refused,
        ),
        bomb(
            "a header without an end",
            "30 MB of lines",
            "pam",
            [&b"P7\n"[..], &b"TUPLTYPE RGB\n".repeat(2_300_000)].concat(),
            Fate::Refused,
        ),
        bomb(
            "giant",
            "(2³² - 1)² pixels",
            "pfm",
            b"PF\n4294967295 4294967295\n-1.0\n\0".to_vec(),
            Fate::TooLarge,
        ),
        bomb(
            "cut short at the limit",
            "13,000² pixels",
            "pfm",
            b"PF\n13000 13000\n-1.0\n\0".to_vec(),
            Fate::NoMemory,
        ),
        bomb(
            "giant inside",
            "(2³¹ - 1)² pixels",
            "ico",
            ico(&png, 1),
            Fate::TooLarge,
        ),
        bomb(
            "giant bitmap inside",
            "(2³¹ - 1)² pixels",
            "ico",
            ico(&bmp(most, most, 0, 32, &[0; 99])[14..], 1),
            Fate::TooLarge,
        ),
        bomb(
            "a profile inside",
            "1 GB inflated",
            "ico",
            ico(&with(&[(b"iCCP", &inflating(1 << 30))]), 1),
            Fate::Picture(64, 64),
        ),
        bomb(
            "many pictures",
            "65,535 of (2³¹ - 1)² pixels",
            "ico",
            ico(&png, u16::MAX),
            Fate::TooLarge,
        ),
    ]
}
