//! Damage: the engines against the host.

use super::made::{Made, Numbers};
use crate::{codec::tests::engines::compare_damaged, device::video::test_gpu};

/// `file` with damage: bits, bytes, zeros to the end, or the end missing.
fn damaged(file: &[u8], seed: u64) -> Vec<u8> {
    let mut n = Numbers::new(seed);
    let mut file = file.to_vec();
    // Mostly in the coded data, which are last.
    let first = if n.one_in(4) { 0 } else { file.len() / 2 };
    let at = n.between(first as u32, file.len() as u32 - 1) as usize;
    match n.below(8) {
        0..=3 => file[at] ^= 1 << n.below(8),
        4 => {
            let end = file.len().min(at + 24);
            file[at..end]
                .iter_mut()
                .for_each(|byte| *byte = n.below(256) as u8);
        }
        5 => file[at..].fill(0),
        _ => file.truncate(at),
    }
    file
}

/// An error is the host's, and nothing hangs.
#[test]
fn engines_leave_damage_to_the_host() {
    if test_gpu().is_none() {
        return;
    }
    let files: Vec<_> = (1000..)
        .map(Made::new)
        .filter(|made| made.is_for_engines() && made.size[0] * made.size[1] < 100_000)
        .filter(|made| made.tiles.is_none_or(|[columns, rows]| columns * rows < 7))
        .take(24)
        .map(|made| made.file())
        .collect();
    let damaged = |number: usize| damaged(&files[number % files.len()], number as u64);
    if let Some(outcomes) = compare_damaged(damaged) {
        assert_eq!(outcomes.unseen, 0);
        let read = outcomes.same + outcomes.other;
        assert!(outcomes.other * 20 <= read, "{outcomes:?}");
    }
}
