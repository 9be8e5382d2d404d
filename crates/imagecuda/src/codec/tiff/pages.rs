//! The pages of a TIFF. To open a page, the header's pointer to the first directory is changed in
//! our copy of the file. So each page is opened like the first one.

use super::ifd::Structure;
use crate::{
    Error, Format, Limits, Result,
    codec::{self, Decode, Sequence},
};
use std::{collections::HashSet, time::Duration};

pub(super) struct Pages {
    bytes: Vec<u8>,
    structure: Structure,
    limits: Limits,
    /// The offset of the next page's directory; 0 after the last.
    next: u64,
    /// The offsets of earlier directories, as those of a damaged file may form a circle.
    seen: HashSet<u64>,
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
            seen: HashSet::new(),
            lost: None,
        };
        pages.next = pages.structure.first(&pages.bytes)?;
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
        self.seen.insert(self.next);
        let next = self.structure.following(&self.bytes, self.next)?;
        Ok(if self.seen.contains(&next) { 0 } else { next })
    }
}

/// The number of pages of the file.
pub(super) fn count(bytes: &[u8]) -> u32 {
    let mut seen = HashSet::new();
    if let Ok(structure) = Structure::of(bytes) {
        let mut next = structure.first(bytes);
        while let Ok(page) = next
            && page != 0
            && seen.insert(page)
        {
            next = structure.following(bytes, page);
        }
    }
    u32::try_from(seen.len()).unwrap_or(u32::MAX)
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
