//! The blocks of GIF files, and those that the `gif` crate refuses, put right.

use crate::{Result, memory};
use std::borrow::Cow;

const EXTENSION: u8 = 0x21;
pub(super) const IMAGE: u8 = 0x2c;
/// Of flags: a table of colours follows.
const TABLE: u8 = 0x80;
/// Of an extension: how the next image is shown.
const CONTROL: u8 = 0xf9;
/// Of all extensions that there are: text, control, comment, application.
const LABELS: [u8; 4] = [0x01, CONTROL, 0xfe, 0xff];

/// A block, of which the end of the file may lack some.
pub(super) struct Block {
    pub(super) kind: u8,
    start: usize,
    /// Where its data are: pieces behind their lengths, up to an empty one.
    data: usize,
    end: usize,
}

/// The blocks of a file, up to what is none. Zeros between them, which some writers leave, are one of kind 0.
pub(super) fn blocks(bytes: &[u8]) -> impl Iterator<Item = Block> {
    // A table of colours has a power of two of them, if the first bit is set.
    let table = |flags: u8| match flags & TABLE {
        0 => 0,
        _ => 3 << ((flags & 7) + 1),
    };
    let at = |place: usize| bytes.get(place).copied();
    let mut next = 13 + at(10).map_or(0, table);
    std::iter::from_fn(move || {
        let start = next;
        let kind = at(start)?;
        let data = match kind {
            0 => {
                let zeros = bytes[start..].iter().take_while(|&&byte| byte == 0);
                next = start + zeros.count();
                return Some(Block {
                    kind,
                    start,
                    data: next,
                    end: next,
                });
            }
            EXTENSION => start + 2,
            IMAGE => start + 11 + at(start + 9).map_or(0, table),
            _ => return None,
        };
        let mut end = data;
        // The decoder takes an image's first piece for no end, though it be empty.
        if kind == IMAGE && at(end) == Some(0) {
            end += 1;
        }
        while let Some(length) = at(end) {
            end += 1 + usize::from(length);
            if length == 0 {
                break;
            }
        }
        next = end;
        Some(Block {
            kind,
            start,
            data,
            end,
        })
    })
}

/// The file, with graphic controls of four bytes, without extensions that nobody knows and zeros, with a screen
/// that the first image is on, and with a palette.
pub(super) fn regular(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    let (mut irregular, mut size) = (Vec::new(), None);
    let has_palette = bytes.get(10).is_none_or(|flags| flags & TABLE != 0);
    let mut lacks_palette = false;
    let mut is_first = true;
    for block in blocks(bytes) {
        let head = bytes.get(block.start..).unwrap_or_default();
        if block.kind == 0 {
            irregular.push(block);
        } else if head.starts_with(&[EXTENSION, CONTROL]) {
            if !matches!(head, [_, _, 4, _, _, _, _, 0, ..]) {
                irregular.push(block);
            }
        } else if let [EXTENSION, label, ..] = head
            && !LABELS.contains(label)
        {
            irregular.push(block);
        } else if block.kind == IMAGE {
            lacks_palette |= !has_palette && head.get(9).is_some_and(|flags| flags & TABLE == 0);
            if std::mem::take(&mut is_first) {
                size = screen(bytes, head);
            }
        }
    }
    if irregular.is_empty() && size.is_none() && !lacks_palette {
        return Ok(bytes.into());
    }
    let mut out = Vec::new();
    memory::reserve(&mut out, bytes.len() + 3 * 256)?;
    let mut from = 0;
    if lacks_palette && let Some(screen) = bytes.get(..13) {
        // As for Pillow, the numbers of colours are grays.
        out.extend(screen);
        out[10] |= TABLE | 7;
        out.extend((0..=255).flat_map(|gray| [gray; 3]));
        from = 13;
    }
    for block in irregular {
        // What is cut ends the file as it is.
        let Some(data) = bytes.get(block.data..block.end) else {
            break;
        };
        out.extend(&bytes[from..block.start]);
        // Of more bytes the first four count, as for other programs.
        if bytes[block.start..].starts_with(&[EXTENSION, CONTROL])
            && let [4..=255, control @ ..] = data
            && let Some(control) = control.first_chunk::<4>()
        {
            out.extend([EXTENSION, CONTROL, 4]);
            out.extend(control);
            out.push(0);
        }
        from = block.end;
    }
    out.extend(&bytes[from..]);
    if let (Some(size), Some(place)) = (size, out.get_mut(6..10)) {
        place.copy_from_slice(&size.map(u16::to_le_bytes).concat());
    }
    Ok(out.into())
}

/// The size of a screen that is smaller than the first image reaches.
fn screen(bytes: &[u8], image: &[u8]) -> Option<[u16; 2]> {
    let number = |bytes: &[u8], at: usize| {
        let number = bytes.get(at..)?.first_chunk()?;
        Some(u16::from_le_bytes(*number))
    };
    let mut size = [number(bytes, 6)?, number(bytes, 8)?];
    let mut grows = false;
    for (axis, side) in size.iter_mut().enumerate() {
        let (start, length) = (number(image, 1 + 2 * axis)?, number(image, 5 + 2 * axis)?);
        let reach = start.checked_add(length)?;
        // An image that has nothing asks for nothing.
        if reach > *side && (length > 0 || *side == 0) {
            (*side, grows) = (reach, true);
        }
    }
    grows.then_some(size)
}
