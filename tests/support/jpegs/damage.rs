//! What a file's markers say, and files that are no longer what they were.

use crate::support::Noise;

/// The segments up to the first scan's header: marker, offset behind it, and content.
fn segments(file: &[u8]) -> impl Iterator<Item = (u8, usize, &[u8])> {
    let mut at = 2;
    std::iter::from_fn(move || {
        while file.get(at)? != &0xff || matches!(file.get(at + 1)?, 0xff | 0xd8) {
            at += 1;
        }
        let length = u16::from_be_bytes(*file.get(at + 2..)?.first_chunk()?);
        let content = file.get(at + 4..at + 2 + usize::from(length.max(2)))?;
        let marker = file[at + 1];
        at += 4 + content.len();
        Some((marker, at, content))
    })
}

/// Where the first scan's data begin.
pub fn first_scan(file: &[u8]) -> Option<usize> {
    segments(file)
        .find(|segment| segment.0 == 0xda)
        .map(|segment| segment.1)
}

/// The same picture, whose height stands behind the first scan.
pub fn with_height_behind(file: &[u8]) -> Vec<u8> {
    let frame = segments(file).find(|segment| matches!(segment.0, 0xc0..=0xc2));
    let (_, end, content) = frame.unwrap();
    let height = end - content.len() + 1;
    let mut at = first_scan(file).unwrap();
    let in_scan = |two: &[u8]| two[0] != 0xff || matches!(two[1], 0 | 0xd0..=0xd7 | 0xff);
    while file.get(at..at + 2).is_some_and(in_scan) {
        at += 1;
    }
    // Without an end the last byte is the scan's as well.
    if at + 2 > file.len() {
        at = file.len();
    }
    let lines = [&[0xff, 0xdc, 0, 4], &file[height..height + 2]].concat();
    let mut out = [&file[..at], &lines, &file[at..]].concat();
    out[height..height + 2].fill(0);
    out
}

/// A file damaged in one of many ways, and which.
pub fn damaged(file: &[u8], round: u64, noise: &mut Noise) -> (Vec<u8>, String) {
    let mut out = file.to_vec();
    // Anywhere, or in the data, which are more than the headers to most.
    let from = match round % 3 {
        0 => 0,
        _ => first_scan(file).unwrap_or(0).min(file.len() - 1),
    };
    let mut number = |limit: usize| (noise.next() >> 20) as usize % limit.max(1);
    let at = from + number(file.len() - from);
    let many = (1 + number(8)).min(file.len() - at);
    let how = match round % 8 {
        0 | 1 => {
            out.truncate(at);
            format!("cut at {at}")
        }
        2 => {
            out.drain(at..at + many);
            format!("without {many} bytes from {at}")
        }
        3 => {
            out.splice(at..at, (0..many).map(|_| number(256) as u8));
            format!("with {many} bytes more at {at}")
        }
        4 => {
            // A restart marker, an end, or another marker.
            let marker = [0xd0 + number(8), 0xd9, 0xda, 0xc4, 0x01][number(5)] as u8;
            out[at] = 0xff;
            if let Some(byte) = out.get_mut(at + 1) {
                *byte = marker;
            }
            format!("with the marker {marker:02x} at {at}")
        }
        5 => {
            out[at..at + many].fill(0);
            format!("with {many} zeros at {at}")
        }
        _ => {
            let flips: Vec<_> = (0..many)
                .map(|_| (from + number(file.len() - from), number(8)))
                .collect();
            for &(at, bit) in &flips {
                out[at] ^= 1 << bit;
            }
            format!("with bits flipped at {flips:?}")
        }
    };
    (out, format!("{} bytes {how} (round {round})", file.len()))
}
