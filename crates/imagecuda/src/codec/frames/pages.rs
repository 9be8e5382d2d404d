//! The pages of a TIFF. Each is opened as if it were the file's first: the directory that the
//! file's header points to is changed in our copy, which the decoder then need not search.

use super::Sequence;
use crate::{
    Error, Format, Limits, Result,
    codec::{self, Decode},
};
use std::{collections::HashSet, time::Duration};

pub(super) struct Pages {
    bytes: Vec<u8>,
    limits: Limits,
    /// Where the next page's directory is; 0 after the last.
    next: u64,
    /// Where directories were, as a damaged file may lead round in circles.
    seen: HashSet<u64>,
    /// Why the next page is not to be found.
    lost: Option<Error>,
}

impl Pages {
    pub(super) fn new(bytes: Vec<u8>, limits: Limits) -> Result<Self> {
        let mut pages = Self {
            bytes,
            limits,
            next: 0,
            seen: HashSet::new(),
            lost: None,
        };
        let (at, size) = pages.first();
        pages.next = pages.number(at, size)?;
        Ok(pages)
    }

    fn is_big(&self) -> bool {
        self.bytes.get(2..4).is_some_and(|v| v.contains(&43))
    }

    /// Where the header points to the first directory, and the bytes of that number.
    fn first(&self) -> (u64, usize) {
        if self.is_big() { (8, 8) } else { (4, 4) }
    }

    fn number(&self, at: u64, size: usize) -> Result<u64> {
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let bytes = self
            .bytes
            .get(start..start.saturating_add(size))
            .ok_or_else(|| Error::decode("the file is cut short"))?;
        let digit = |number, &byte: &u8| number << 8 | u64::from(byte);
        Ok(match self.bytes.first() {
            Some(b'I') => bytes.iter().rev().fold(0, digit),
            _ => bytes.iter().fold(0, digit),
        })
    }

    /// Writes `self.next` where the header points to the first directory.
    fn turn(&mut self) {
        let (at, size) = self.first();
        let mut number = self.next.to_le_bytes();
        let number = &mut number[..size];
        if self.bytes.first() != Some(&b'I') {
            number.reverse();
        }
        if let Some(header) = self.bytes.get_mut(at as usize..at as usize + size) {
            header.copy_from_slice(number);
        }
    }

    /// Where the page after the next one is.
    fn after_next(&mut self) -> Result<u64> {
        self.seen.insert(self.next);
        let (count, entry, next) = if self.is_big() {
            (8, 20, 8)
        } else {
            (2, 12, 4)
        };
        let entries = self.number(self.next, count)?;
        let end = entries
            .checked_mul(entry)
            .and_then(|length| length.checked_add(self.next.checked_add(count as u64)?))
            .ok_or_else(|| Error::decode("a page has too many tags"))?;
        let next = self.number(end, next)?;
        if self.seen.contains(&next) {
            return Err(Error::decode("the pages lead round in a circle"));
        }
        Ok(next)
    }
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
        let page = codec::open(Format::Tiff, &self.bytes, &self.limits)?;
        Ok(Some((page, Duration::ZERO)))
    }

    fn bytes(&mut self) -> &[u8] {
        if self.next != 0 {
            self.turn();
        }
        &self.bytes
    }

    fn skip(&mut self) -> Result<bool> {
        if let Some(error) = self.lost.take() {
            return Err(error);
        }
        if self.next == 0 {
            return Ok(false);
        }
        // A page is good although the way to the next is lost: that comes to light there.
        match self.after_next() {
            Ok(next) => self.next = next,
            Err(error) => (self.next, self.lost) = (0, Some(error)),
        }
        Ok(true)
    }
}
