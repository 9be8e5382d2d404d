//! OpenEXR files of one part that lack blocks. The decoder reads blocks where the table behind
//! the header says they are, and leaves black what no block has told it: so the table's entries
//! for blocks that are not whole are pointed to one that is, which is then read again.

use super::{Decode, past_attribute};
use crate::{Error, Limits, Result, memory::zeroed, picture::Header};

struct Exr {
    bytes: Vec<u8>,
    limits: Limits,
    header: Header,
}

pub(super) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let header = super::open(bytes, limits)?.header();
    let mut copy: Vec<u8> = zeroed(bytes.len())?;
    copy.copy_from_slice(bytes);
    mend(&mut copy).ok_or_else(Error::nothing_decoded)?;
    // A header that ends elsewhere for the decoder is not to be mended.
    if super::open(&copy, limits)?.header() != header {
        return Err(Error::nothing_decoded());
    }
    Ok(Box::new(Exr {
        bytes: copy,
        limits: *limits,
        header,
    }))
}

impl Decode for Exr {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        super::open(&self.bytes, &self.limits)?.read_into(out)
    }
}

fn int(bytes: &[u8], at: usize) -> Option<usize> {
    let four = *bytes.get(at..)?.first_chunk()?;
    usize::try_from(i32::from_le_bytes(four)).ok()
}

/// Points the table's entries to blocks that are whole. `None` if there are none.
fn mend(bytes: &mut [u8]) -> Option<()> {
    const TILED: u8 = 2;
    const DEEP_OR_PARTS: u8 = 0x18;
    let flags = *bytes.get(5)?;
    if flags & DEEP_OR_PARTS != 0 {
        return None;
    }
    // Of scanlines a row, of tiles two places and two levels; then the length.
    let length_at = if flags & TILED != 0 { 16 } else { 4 };

    // An empty name ends the attributes.
    let mut at = 8;
    while let Some(next) = past_attribute(bytes, at) {
        at = next;
    }
    if bytes.get(at) != Some(&0) {
        return None;
    }
    let table = at + 1;

    // The first block follows the table.
    let mut end = bytes.len();
    let mut entries = Vec::new();
    let mut at = table;
    while at + 8 <= end {
        let entry = u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
        let block = usize::try_from(entry).unwrap_or(usize::MAX);
        if block > table {
            end = end.min(block);
        }
        entries.push(block);
        at += 8;
    }
    let is_whole = |block: usize| {
        let length = int(bytes, block.checked_add(length_at)?)?;
        let data = block + length_at + 4;
        (block >= end && bytes.len().checked_sub(data)? >= length).then_some(())
    };
    let whole: Vec<bool> = entries.iter().map(|&at| is_whole(at).is_some()).collect();
    let good = entries[whole.iter().position(|&whole| whole)?] as u64;
    for (index, _) in whole.iter().enumerate().filter(|(_, whole)| !**whole) {
        bytes[table + index * 8..][..8].copy_from_slice(&good.to_le_bytes());
    }
    Some(())
}
