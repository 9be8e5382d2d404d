//! The pages of a TIFF. Each is opened as if it were the file's first: the directory that the
//! file's header points to is changed in our copy, which the decoder then need not search.

use crate::{
    Error, Format, Limits, Result,
    codec::{self, Decode, Sequence},
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
        pages.next = first(&pages.bytes)?;
        Ok(pages)
    }

    /// Writes `self.next` where the header points to the first directory.
    fn turn(&mut self) {
        let (at, size) = first_place(&self.bytes);
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
        let next = following(&self.bytes, self.next)?;
        if self.seen.contains(&next) {
            return Err(Error::decode("the pages lead round in a circle"));
        }
        Ok(next)
    }
}

/// How many pages the file leads to.
pub(super) fn count(bytes: &[u8]) -> u32 {
    let mut seen = HashSet::new();
    let mut next = first(bytes);
    while let Ok(page) = next
        && page != 0
        && seen.insert(page)
    {
        next = following(bytes, page);
    }
    u32::try_from(seen.len()).unwrap_or(u32::MAX)
}

fn is_big(bytes: &[u8]) -> bool {
    bytes.get(2..4).is_some_and(|v| v.contains(&43))
}

/// Where the header points to the first directory, and the bytes of that number.
fn first_place(bytes: &[u8]) -> (u64, usize) {
    if is_big(bytes) { (8, 8) } else { (4, 4) }
}

/// Where the first page's directory is.
fn first(bytes: &[u8]) -> Result<u64> {
    let (at, size) = first_place(bytes);
    number(bytes, at, size)
}

/// Where the directory after the one at `page` is; 0 after the last.
fn following(bytes: &[u8], page: u64) -> Result<u64> {
    let (count, entry, next) = match is_big(bytes) {
        true => (8, 20, 8),
        false => (2, 12, 4),
    };
    let end = number(bytes, page, count)?
        .checked_mul(entry)
        .and_then(|length| length.checked_add(page.checked_add(count as u64)?))
        .ok_or_else(|| Error::decode("a page has too many tags"))?;
    number(bytes, end, next)
}

fn number(bytes: &[u8], at: u64, size: usize) -> Result<u64> {
    let start = usize::try_from(at).unwrap_or(usize::MAX);
    let number = bytes
        .get(start..start.saturating_add(size))
        .ok_or_else(|| Error::decode("the file is cut short"))?;
    let digit = |number, &byte: &u8| number << 8 | u64::from(byte);
    Ok(match bytes.first() {
        Some(b'I') => number.iter().rev().fold(0, digit),
        _ => number.iter().fold(0, digit),
    })
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

    fn skip(&mut self) -> Result<Option<Duration>> {
        if let Some(error) = self.lost.take() {
            return Err(error);
        }
        if self.next == 0 {
            return Ok(None);
        }
        // A page is good although the way to the next is lost: that comes to light there.
        match self.after_next() {
            Ok(next) => self.next = next,
            Err(error) => (self.next, self.lost) = (0, Some(error)),
        }
        Ok(Some(Duration::ZERO))
    }
}
