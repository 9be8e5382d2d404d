//! Strips and tiles that several threads decode.

use super::*;
use crate::parallel::in_pool;

const WIDTH: usize = 301;
const HEIGHT: usize = 250;

fn sample(x: usize, y: usize, channel: usize) -> u8 {
    (x * (channel + 3) + y * 5 + x * y / 7) as u8
}

/// The samples of a part of the picture, or of one of its planes; those after the edges too.
fn part(x: usize, y: usize, [width, height]: [usize; 2], channels: &[usize]) -> Vec<u8> {
    let mut samples = Vec::new();
    for y in y..y + height {
        for x in x..x + width {
            samples.extend(channels.iter().map(|&channel| sample(x, y, channel)));
        }
    }
    samples
}

/// The file, deflated, and what its strips or tiles are before that.
fn made(chunk: [usize; 2], planar: bool, change: impl Fn(usize, &mut Vec<u8>)) -> Vec<u8> {
    let planes: &[&[usize]] = match planar {
        true => &[&[0], &[1], &[2]],
        false => &[&[0, 1, 2]],
    };
    let mut chunks = Vec::new();
    for channels in planes {
        for y in (0..HEIGHT).step_by(chunk[1]) {
            for x in (0..WIDTH).step_by(chunk[0]) {
                let rows = match chunk[0] {
                    WIDTH => chunk[1].min(HEIGHT - y),
                    _ => chunk[1],
                };
                let mut packed = deflated(&part(x, y, [chunk[0], rows], channels));
                change(chunks.len(), &mut packed);
                chunks.push(packed);
            }
        }
    }
    let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
    let sides = chunk.map(|side| side as u16);
    let planar = [1 + u16::from(planar)];
    let mut tags: Vec<(u16, &[u16])> = vec![
        (BITS, &[8, 8, 8]),
        (COMPRESSION, &[8]),
        (PHOTOMETRIC, &[2]),
        (SAMPLES, &[3]),
        (PLANAR, &planar),
    ];
    match chunk[0] {
        WIDTH => tags.push((278, &sides[1..])),
        _ => tags.extend([(TILE[0], &sides[..1]), (TILE[1], &sides[1..])]),
    }
    file(true, [WIDTH as u16, HEIGHT as u16], &tags, &chunks)
}

const CHUNKS: [[usize; 2]; 4] = [[WIDTH, 7], [WIDTH, 64], [64, 48], [320, 16]];

#[test]
fn all_threads_find_the_same_pixels() {
    let expected = part(0, 0, [WIDTH, HEIGHT], &[0, 1, 2]);
    for chunk in CHUNKS {
        for planar in [false, true] {
            let file = made(chunk, planar, |_, _| {});
            for threads in [1, 2, 5] {
                let (layout, found) = in_pool(threads, || load(&file)).unwrap();
                assert_eq!(layout, Layout::Rgb8);
                assert!(found == expected, "{chunk:?} {planar} {threads}");
            }
        }
    }
}

/// The first that is damaged says why the file is refused, and what is missing is the same too.
#[test]
fn all_threads_find_the_same_damage() {
    for chunk in CHUNKS {
        let file = made(chunk, false, |index, packed| match index {
            2 => packed.truncate(packed.len() / 2),
            3 => packed[0] = 0xff,
            _ => {}
        });
        let first = made(chunk, false, |index, packed| {
            if index == 2 {
                packed.truncate(packed.len() / 2);
            }
        });
        let expected = load(&first).unwrap_err().to_string();
        let mut tolerant: Option<Vec<u8>> = None;
        for threads in [1, 2, 5, 5, 5] {
            let found = in_pool(threads, || load(&file)).unwrap_err();
            assert_eq!(found.to_string(), expected, "{chunk:?} {threads}");
            let mut out = vec![0xa5; WIDTH * HEIGHT * 3];
            in_pool(threads, || {
                let decoder = read::open(&file, &Limits::default()).unwrap();
                decoder.read_into(&mut out).unwrap();
            });
            let whole = part(0, 0, [WIDTH, HEIGHT], &[0, 1, 2]);
            let lost = out.iter().zip(&whole).filter(|(a, b)| a != b).count();
            assert!(lost > 0 && lost < whole.len(), "{chunk:?}: {lost}");
            assert!(
                out == *tolerant.get_or_insert_with(|| out.clone()),
                "{chunk:?} {threads}"
            );
        }
    }
}
