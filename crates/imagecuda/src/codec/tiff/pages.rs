//! The pages of a TIFF. To open a page, the header's pointer to the first directory is changed in
//! our copy of the file. So each page is opened like the first one.

use super::ifd::Structure;
use crate::{
    Error, Format, Limits, Result,
    codec::{self, Decode, Sequence},
};
use std::time::Duration;

pub(super) struct Pages {
    bytes: Vec<u8>,
    structure: Structure,
    limits: Limits,
    /// The offset of the next page's directory; 0 after the last.
    next: u64,
    /// The number of pages from the next one on. Directories of a damaged file may form a circle.
    left: u64,
    /// Why the next page cannot be found.
    lost: Option<Error>,
}

impl Pages {
    pub(super) fn new(bytes: Vec<u8>, limits: Limits) -> Result<Self> {
        let mut pages = Self {
            structure: Structure::of(&bytes)?,
            bytes,
            limits,
            next: 0,
            left: 0,
            lost: None,
        };
        pages.next = pages.structure.first(&pages.bytes)?;
        pages.left = length(pages.structure, &pages.bytes);
        Ok(pages)
    }

    /// Writes `self.next` to the header's pointer to the first directory.
    fn turn(&mut self) {
        let (at, size) = self.structure.first_place();
        let mut number = self.next.to_le_bytes();
        let number = &mut number[..size];
        if self.bytes.first() != Some(&b'I') {
            number.reverse();
        }
        if let Some(header) = self.bytes.get_mut(at as usize..at as usize + size) {
            header.copy_from_slice(number);
        }
    }

    /// The offset of the directory after the next page's; 0 after the last. As in libtiff,
    /// directories that form a circle give each page once.
    fn after_next(&mut self) -> Result<u64> {
        let next = self.structure.following(&self.bytes, self.next)?;
        self.left = self.left.saturating_sub(1);
        Ok(if self.left == 0 { 0 } else { next })
    }
}

/// The number of pages of the file.
pub(super) fn count(bytes: &[u8]) -> u32 {
    let pages = Structure::of(bytes).map_or(0, |structure| length(structure, bytes));
    u32::try_from(pages).unwrap_or(u32::MAX)
}

/// The number of directories in the list, each counted once. This is Brent's algorithm, which finds a
/// circle without a set of all places: there may be a directory in every six bytes.
fn length(structure: Structure, bytes: &[u8]) -> u64 {
    let page = |place: Result<u64>| place.ok().filter(|&place| place != 0);
    let following = |place| page(structure.following(bytes, place));
    let Some(first) = page(structure.first(bytes)) else {
        return 0;
    };
    // `ahead` has done `steps` since it left `behind`, which it meets again in a circle of as many.
    let (mut behind, mut ahead) = (first, first);
    let (mut count, mut steps, mut most) = (0, 0, 1_u64);
    let circle = loop {
        count += 1;
        let Some(next) = following(ahead) else {
            return count;
        };
        (ahead, steps) = (next, steps + 1);
        if ahead == behind {
            break steps;
        }
        if steps == most {
            (behind, steps, most) = (ahead, 0, most.saturating_mul(2));
        }
    };
    // The two meet where the circle begins if one is ahead by its length.
    let step = |place| following(place).unwrap_or_default();
    let (mut behind, mut ahead) = (first, (0..circle).fold(first, |place, _| step(place)));
    let mut before = 0;
    while behind != ahead {
        (behind, ahead, before) = (step(behind), step(ahead), before + 1);
    }
    before + circle
}

impl Sequence for Pages {
    fn peek(&mut self) -> Result<Option<(Box<dyn Decode + '_>, Duration)>> {
        if let Some(error) = self.lost.take() {
            return Err(error);
        }
        if self.next == 0 {
            return Ok(None);
        }
        self.turn();
        let page = codec::open(Format::Tiff, &self.bytes, &self.limits, false)?;
        Ok(Some((page, Duration::ZERO)))
    }

    fn bytes(&mut self) -> &[u8] {
        if self.next != 0 {
            self.turn();
        }
        &self.bytes
    }

    fn skip(&mut self) -> Result<Option<Duration>> {
        if let Some(error) = self.lost.take() {
            return Err(error);
        }
        if self.next == 0 {
            return Ok(None);
        }
        // A page is valid even if the pointer to the next one is damaged. That is an error when the
        // next page is asked for.
        match self.after_next() {
            Ok(next) => self.next = next,
            Err(error) => (self.next, self.lost) = (0, Some(error)),
        }
        Ok(Some(Duration::ZERO))
    }
}
