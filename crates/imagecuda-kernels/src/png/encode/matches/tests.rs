//! Matches are what was there before.

use super::*;
use crate::png::encode::scanlines::CHUNK;
use proptest::prelude::*;
use std::{vec, vec::Vec};

fn find_in(data: &[u8], bytes_per_pixel: u32) -> Vec<Match> {
    let mut matches = Vec::new();
    Looks::default().find(data, bytes_per_pixel, |found| matches.push(found));
    matches
}

/// The bytes that literals and matches stand for.
fn expand(data: &[u8], matches: &[Match]) -> Vec<u8> {
    let mut out = Vec::new();
    for found in matches {
        out.extend_from_slice(&data[out.len()..found.start.into()]);
        assert!((3..=LONGEST).contains(&found.length.into()));
        for _ in 0..found.length {
            out.push(out[out.len() - usize::from(found.distance)]);
        }
    }
    out.extend_from_slice(&data[out.len()..]);
    out
}

proptest! {
    #[test]
    fn matches_stand_for_what_is_there(
        pieces in prop::collection::vec((any::<u8>(), 1usize..700, 0u8..3, any::<u16>()), 0..60),
        bytes_per_pixel in 1u32..=8,
    ) {
        let mut data = Vec::new();
        for (byte, len, kind, at) in pieces {
            let at = usize::from(at) % (data.len() + 1);
            match kind {
                0 => data.extend(vec![byte; len]),
                1 => data.extend_from_within(at..data.len().min(at + len)),
                _ => data.extend((0..len / 9).map(|i| byte.wrapping_mul(i as u8) ^ (i * i) as u8)),
            }
        }
        data.truncate(CHUNK as usize);
        let matches = find_in(&data, bytes_per_pixel);
        prop_assert!(matches.len() as u32 <= MOST);
        prop_assert_eq!(expand(&data, &matches), data);
    }
}

#[test]
fn runs_and_repeats_are_found() {
    let covered = |data: &[u8], bpp| {
        let matches = find_in(data, bpp);
        assert_eq!(expand(data, &matches), data);
        matches.iter().map(|m| usize::from(m.length)).sum::<usize>()
    };
    let full = CHUNK as usize;
    assert_eq!(covered(&vec![9; full], 3), full - 1);
    // Pixels of three bytes.
    let pixels: Vec<u8> = (0..full).map(|i| [1, 77, 5][i % 3]).collect();
    assert_eq!(covered(&pixels, 3), full - 3);
    // Noise, and half of it again.
    let mut state = 7u64;
    let noise: Vec<u8> = (0..3000)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as u8
        })
        .collect();
    assert_eq!(covered(&noise, 4), 0);
    let few: Vec<u8> = (0..100).chain(200..255).chain(0..100).collect();
    assert_eq!(covered(&few, 1), 100);
    for len in 0..SHORTEST as usize {
        assert_eq!(covered(&vec![0; len], 1), 0);
    }
}

#[test]
fn the_most_matches_fit_the_list() {
    // Eight bytes of a few, again and again in any order.
    let mut state = 1u32;
    let data: Vec<u8> = (0..CHUNK / 8)
        .flat_map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let word = u64::from(state >> 26).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (word ^ word >> 29).to_le_bytes()
        })
        .collect();
    let matches = find_in(&data, 1);
    assert_eq!(expand(&data, &matches), data);
    assert!(matches.len() > 1500 && matches.len() as u32 <= MOST);
    // With two parts for each match of 261 bytes.
    let data: Vec<u8> = (0..CHUNK)
        .map(|i| {
            if i % 262 == 261 {
                (i / 262) as u8 + 1
            } else {
                0
            }
        })
        .collect();
    let matches = find_in(&data, 1);
    assert_eq!(expand(&data, &matches), data);
}
