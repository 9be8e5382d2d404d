//! Old-style JPEG. Its parts are taken from files of an encoder, whose pixels a plain JPEG tells.

use super::*;
use crate::jpeg::segments::{self, Next, START_OF_SCAN};

const INTERCHANGE: [u16; 2] = [513, 514];
const RESTART_INTERVAL: u16 = 515;
const TABLES: [u16; 3] = [519, 520, 521];
const ROWS: u16 = 278;
const WIDTH: u16 = 40;
const HEIGHT: u16 = 32;

/// A JPEG whose chroma has half the size, and where its data begin.
fn jpeg(restart_interval: u16) -> (Vec<u8>, usize) {
    let mut jpeg = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, 90);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    if restart_interval > 0 {
        encoder.set_restart_interval(restart_interval);
    }
    let pixels: Vec<u8> = (0..usize::from(WIDTH) * usize::from(HEIGHT))
        .flat_map(|i| {
            let (x, y) = (i % usize::from(WIDTH), i / usize::from(WIDTH));
            [x * 6, y * 7, (x + y) * 3].map(|v| v as u8)
        })
        .collect();
    encoder
        .encode(&pixels, WIDTH, HEIGHT, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    let mut at = 2;
    while let Next::Segment(segment) = segments::next(&jpeg, at) {
        at = segment.after;
        if segment.marker == START_OF_SCAN {
            break;
        }
    }
    (jpeg, at)
}

fn expected(jpeg: &[u8]) -> (Layout, Vec<u8>) {
    let decoder = codec::open(Format::Jpeg, jpeg, &Limits::default(), false).unwrap();
    let mut out = vec![0; decoder.header().bytes()];
    decoder.read_into(&mut out).unwrap();
    (Layout::Rgb8, out)
}

const PLAIN: [(u16, &[u16]); 5] = [
    (BITS, &[8; 3]),
    (COMPRESSION, &[6]),
    (PHOTOMETRIC, &[6]),
    (SAMPLES, &[3]),
    (530, &[2, 2]),
];

/// Appends data to a file, and sets the longs of tags to where they are.
fn point(file: &mut Vec<u8>, tag: u16, data: &[&[u8]]) {
    for (index, data) in data.iter().enumerate() {
        let at = file.len() as u32;
        file.extend(*data);
        set(file, tag, index, at);
    }
}

#[test]
fn a_whole_file_or_its_header_elsewhere() {
    let (jpeg, data) = jpeg(0);
    let scan = data - 14;
    let longs = [0_u16; 2];
    for (header, strip) in [
        // Wang's programs have the scan's header in the first strip.
        (&jpeg[..scan], &jpeg[scan..]),
        (&jpeg[..], &jpeg[data..]),
        (&jpeg[..], &jpeg[..]),
        (&jpeg[..data], &jpeg[data..]),
        (&jpeg[2..data], &jpeg[data..jpeg.len() - 2]),
    ] {
        let tags = [&PLAIN[..], &INTERCHANGE.map(|tag| (tag, &longs[..]))].concat();
        let mut file = file(true, [WIDTH, HEIGHT], &tags, &[strip]);
        for tag in INTERCHANGE {
            retype(&mut file, tag, 4, 4);
        }
        point(&mut file, INTERCHANGE[0], &[header]);
        set(&mut file, INTERCHANGE[1], 0, header.len() as u32);
        assert_eq!(load(&file).unwrap(), expected(&jpeg), "{}", header.len());
    }
    // All is in the strip.
    let file = file(true, [WIDTH, HEIGHT], &PLAIN, &[&jpeg]);
    assert_eq!(load(&file).unwrap(), expected(&jpeg));
}

#[test]
fn tables_in_tags_and_strips_that_begin_anew() {
    // 40 pixels are three MCUs.
    for (interval, rows) in [(0, HEIGHT), (3, 16)] {
        let (jpeg, data) = jpeg(interval);
        let mut tables: [Vec<Vec<u8>>; 3] = Default::default();
        for segment in segments::head(&jpeg) {
            match segment.marker {
                0xdb => tables[0].push(segment.data[1..65].to_vec()),
                0xc4 => {
                    tables[1 + usize::from(segment.data[0] >> 4)].push(segment.data[1..].to_vec())
                }
                _ => {}
            }
        }
        // Cb and Cr have the same ones.
        for tables in &mut tables {
            assert_eq!(tables.len(), 2);
            tables.push(tables[1].clone());
        }
        let entropy = &jpeg[data..jpeg.len() - 2];
        let mark = entropy.windows(2).position(|two| two == [0xff, 0xd0]);
        let strips = match mark.filter(|_| interval > 0) {
            Some(mark) => vec![&entropy[..mark], &entropy[mark + 2..]],
            None => vec![entropy],
        };
        assert_eq!(strips.len(), usize::from(HEIGHT / rows));
        let (longs, rows) = ([0_u16; 6], [rows]);
        let mut tags = [&PLAIN[..], &TABLES.map(|tag| (tag, &longs[..]))].concat();
        tags.extend([(ROWS, &rows[..]), (RESTART_INTERVAL, &[0])]);
        let mut file = file(true, [WIDTH, HEIGHT], &tags, &strips);
        for (tag, tables) in TABLES.into_iter().zip(&tables) {
            retype(&mut file, tag, 4, 4);
            let tables: Vec<&[u8]> = tables.iter().map(Vec::as_slice).collect();
            point(&mut file, tag, &tables);
        }
        assert_eq!(load(&file).unwrap(), expected(&jpeg), "{interval}");
        // Whatever colours it says, they are luma and chroma.
        let at = entry(&file, PHOTOMETRIC);
        file[at + 8] = 2;
        assert_eq!(load(&file).unwrap(), expected(&jpeg), "{interval}");
        let at = entry(&file, TABLES[2]);
        file[at] ^= 0xff;
        assert!(load(&file).is_err());
    }
}

#[test]
fn what_is_cut_is_an_error() {
    let (jpeg, data) = jpeg(0);
    for length in [0, 2, data, data + 9, jpeg.len() / 2] {
        let file = file(true, [WIDTH, HEIGHT], &PLAIN, &[&jpeg[..length]]);
        assert!(load(&file).is_err(), "{length}");
    }
    // And what is smaller than the page.
    let file = file(true, [WIDTH + 1, HEIGHT], &PLAIN, &[&jpeg]);
    assert!(load(&file).is_err());
}
