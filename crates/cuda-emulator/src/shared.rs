//! A block's shared memory.

use crate::{
    program::Program,
    ptx::{DYNAMIC_OFFSET, SHARED_GAP},
    race::Race,
};

/// Bytes of a cell of the map of what is valid; arrays begin at multiples of it.
const CELL: usize = SHARED_GAP;

/// What new memory is filled with: it has no certain contents.
const NEW: u8 = 0xCD;

#[derive(Debug)]
pub(crate) struct Shared {
    /// The arrays that the text declares with the gaps between them, then dynamic memory.
    pub(crate) bytes: Vec<u8>,
    /// Where dynamic memory begins.
    fixed: usize,
    /// Which bytes of a cell belong to an array: the first so many.
    valid: Vec<u8>,
    pub(crate) race: Option<Race>,
}

impl Shared {
    pub(crate) fn new(program: &Program, dynamic: usize, finds_races: bool) -> Self {
        let fixed = program.shared_bytes.next_multiple_of(CELL);
        let mut valid = vec![0; fixed / CELL];
        for (start, bytes, _) in &program.shared {
            for at in (0..*bytes).step_by(CELL) {
                valid[(start + at) / CELL] = (bytes - at).min(CELL) as u8;
            }
        }
        let bytes = vec![NEW; fixed + dynamic];
        let race = finds_races.then(|| Race::new(bytes.len()));
        Self {
            bytes,
            fixed,
            valid,
            race,
        }
    }

    /// Makes it as new for the next block.
    pub(crate) fn reset(&mut self) {
        self.bytes.fill(NEW);
        if let Some(race) = &mut self.race {
            race.reset();
        }
    }

    /// The index in `bytes` of `size` bytes at an offset, if they are in one array.
    #[inline(always)]
    pub(crate) fn index(&self, offset: u64, size: usize) -> Option<usize> {
        if offset >= DYNAMIC_OFFSET {
            let at = usize::try_from(offset - DYNAMIC_OFFSET)
                .ok()?
                .checked_add(self.fixed)?;
            return (at.checked_add(size)? <= self.bytes.len()).then_some(at);
        }
        let at = offset as usize;
        let valid = *self.valid.get(at / CELL)?;
        (at % CELL + size <= usize::from(valid)).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_do_not_run_into_each_other() {
        let program = Program {
            shared_bytes: 24 + SHARED_GAP,
            shared: vec![(0, 24, "a".into())],
            ..Program::default()
        };
        let shared = Shared::new(&program, 8, false);
        assert_eq!(shared.index(16, 8), Some(16));
        assert_eq!(shared.index(20, 8), None);
        assert_eq!(shared.index(24, 1), None);
        assert_eq!(shared.index(DYNAMIC_OFFSET, 8), Some(48));
        assert_eq!(shared.index(DYNAMIC_OFFSET + 4, 8), None);
        assert_eq!(shared.index(u64::MAX, 8), None);
    }
}
