//! Lists as long as the file: of strips and tiles, and of pages.

use super::*;
use crate::codec::sequence::Sequence;
use std::collections::HashSet;

const ROWS: u16 = 278;

/// Empty directories, each of which leads to that of this number, or to the end.
fn pages(following: &[Option<usize>]) -> Vec<u8> {
    let place = |page: usize| (8 + 6 * page as u32).to_le_bytes();
    let mut file = [b"II\x2a\0", &place(0)[..]].concat();
    for next in following {
        file.extend([0, 0]);
        file.extend(next.map_or([0; 4], place));
    }
    file
}

/// The number of different pages, by a set of them.
fn different(following: &[Option<usize>]) -> usize {
    let (mut seen, mut next) = (HashSet::new(), Some(0));
    while let Some(page) = next
        && seen.insert(page)
    {
        next = following.get(page).copied().flatten();
    }
    seen.len()
}

#[test]
fn pages_in_circles_count_once() {
    let check = |following: &[Option<usize>]| {
        let (file, expected) = (pages(following), different(following));
        assert_eq!(pages::count(&file) as usize, expected, "{following:?}");
        let mut all = pages::Pages::new(file, Limits::default()).unwrap();
        let skipped = (0..).take_while(|_| matches!(all.skip(), Ok(Some(_))));
        assert_eq!(skipped.count(), expected, "{following:?}");
    };
    for count in 1..40 {
        let mut following: Vec<_> = (1..=count).map(Some).collect();
        // The last leads out of the file, then nowhere, then to each of them.
        check(&following);
        following[count - 1] = None;
        check(&following);
        for last in 0..count {
            following[count - 1] = Some(last);
            check(&following);
        }
    }
    // Any order.
    for seed in 0..200_usize {
        let next = |page: usize| Some((page * page * 7 + page * seed + seed / 3) % 31);
        check(&(0..31).map(next).collect::<Vec<_>>());
    }
    assert_eq!(pages::count(b"II\x2a\0\0\0\0\0"), 0);
}

/// Tiles of a pixel, of which some are beyond the file's end. What is missing becomes few parts where it
/// is together.
#[test]
fn missing_tiles_side_by_side_are_one_part() {
    let (width, height) = (9, 7);
    let tags: [(u16, &[u16]); 4] = [
        (BITS, &[8]),
        (PHOTOMETRIC, &[1]),
        (TILE[0], &[1]),
        (TILE[1], &[1]),
    ];
    let pixels: Vec<[u8; 1]> = (1..=63).map(|v| [v]).collect();
    let tiles: Vec<&[u8]> = pixels.iter().map(|v| &v[..]).collect();
    type IsMissing = fn(usize, usize) -> bool;
    let cases: [(IsMissing, usize); 5] = [
        (|x, y| x + y > 0, 2),
        (|_, y| y > 2, 1),
        (|x, y| x > 2 && x < 6 && y != 3, 2),
        (|x, _| x == 4, 1),
        (|x, y| (x + y) % 2 == 1, 31),
    ];
    for (is_missing, parts) in cases {
        let mut file = file(true, [width, height], &tags, &tiles);
        let mut expected = Vec::new();
        for (tile, [value]) in pixels.iter().enumerate() {
            let is_missing = is_missing(tile % 9, tile / 9);
            if is_missing {
                set(&mut file, 324, tile, 1 << 30);
            }
            expected.push(if is_missing { 0 } else { *value });
        }
        assert!(load(&file).is_err());
        let tiff = Tiff::open(&file, &Limits::default(), true).unwrap();
        let (mut out, mut holes) = (vec![0xa5; 63], Vec::new());
        tiff.read(&mut out, Some(&mut holes)).unwrap();
        assert_eq!(holes.len(), parts);
        let mut out = vec![0xa5; 63];
        let decoder = read::open(&file, &Limits::default()).unwrap();
        decoder.read_into(&mut out).unwrap();
        assert_eq!(out, expected);
    }
}

/// Places stay in the file, but those without lengths are sorted, which takes memory.
#[test]
fn lists_without_lengths_are_within_the_limit() {
    let rows: Vec<[u8; 1]> = (1..=100).map(|v| [v]).collect();
    let strips: Vec<&[u8]> = rows.iter().map(|v| &v[..]).collect();
    let tags: [(u16, &[u16]); 3] = [(BITS, &[8]), (PHOTOMETRIC, &[1]), (ROWS, &[1])];
    let mut file = file(true, [1, 100], &tags, &strips);
    let open = |file: &[u8], bytes| {
        let limits = Limits {
            bytes,
            ..Limits::default()
        };
        let page = page::Page::read(file, &limits, false);
        page.map(|page| page.chunks.places.iter().collect::<Vec<_>>())
    };
    let places = open(&file, 100).unwrap();
    assert!(places.iter().all(|&(_, length)| length == 1));
    let at = entry(&file, 279);
    file[at..at + 2].copy_from_slice(&60_000_u16.to_le_bytes());
    let error = open(&file, 799).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::LimitExceeded { .. }),
        "{error}"
    );
    let found = open(&file, 800).unwrap();
    assert_eq!(found[..99], places[..99]);
}
