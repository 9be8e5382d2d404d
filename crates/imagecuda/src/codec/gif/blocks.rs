//! The blocks of GIF files. Repairs those that the `gif` crate refuses.

use crate::{Result, memory};
use std::borrow::Cow;

const EXTENSION: u8 = 0x21;
pub(super) const IMAGE: u8 = 0x2c;
/// The flag for a table of colours.
const TABLE: u8 = 0x80;
/// The label of a graphic control extension, which says how the next image is shown.
const CONTROL: u8 = 0xf9;
/// The labels of all extensions: text, control, comment, application.
const LABELS: [u8; 4] = [0x01, CONTROL, 0xfe, 0xff];

/// A block. The end of the file may cut it off.
pub(super) struct Block {
    pub(super) kind: u8,
    start: usize,
    /// The range of its data: pieces, each after its length, up to an empty one.
    data: usize,
    end: usize,
}

/// Iterates over the blocks of a file, and stops at invalid data. Zeros between blocks, which some writers
/// leave, are one block of kind 0.
pub(super) fn blocks(bytes: &[u8]) -> impl Iterator<Item = Block> {
    // If the first bit is set, there is a table of colours; its size is a power of two.
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
        // The decoder does not treat the first piece of an image as the end, even if it is empty.
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

/// The file with these repairs: graphic controls of four bytes, no unknown extensions, no zeros between
/// blocks, a screen that contains the first image, and a palette.
pub(super) fn regular(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    let (mut irregular, mut size) = (false, None);
    let has_palette = bytes.get(10).is_none_or(|flags| flags & TABLE != 0);
    let mut lacks_palette = false;
    let mut is_first = true;
    for block in blocks(bytes) {
        irregular |= is_irregular(bytes, &block);
        if block.kind == IMAGE {
            let head = bytes.get(block.start..).unwrap_or_default();
            lacks_palette |= !has_palette && head.get(9).is_some_and(|flags| flags & TABLE == 0);
            if std::mem::take(&mut is_first) {
                size = screen(bytes, head);
            }
        }
    }
    if !irregular && size.is_none() && !lacks_palette {
        return Ok(bytes.into());
    }
    let mut out = Vec::new();
    memory::reserve(&mut out, bytes.len() + 3 * 256)?;
    let mut from = 0;
    if lacks_palette && let Some(screen) = bytes.get(..13) {
        // As in Pillow, colour numbers are gray values.
        out.extend(screen);
        out[10] |= TABLE | 7;
        out.extend((0..=255).flat_map(|gray| [gray; 3]));
        from = 13;
    }
    // A file may have many. So they are looked for again, and not kept.
    for block in blocks(bytes).filter(|block| is_irregular(bytes, block)) {
        // A block that is cut off ends the file.
        let Some(data) = bytes.get(block.data..block.end) else {
            break;
        };
        out.extend(&bytes[from..block.start]);
        // Of a longer control the first four bytes count, as in other programs.
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

/// Whether a block has to be repaired or left out.
fn is_irregular(bytes: &[u8], block: &Block) -> bool {
    match bytes.get(block.start..).unwrap_or_default() {
        _ if block.kind == 0 => true,
        [EXTENSION, CONTROL, rest @ ..] => !matches!(rest, [4, _, _, _, _, 0, ..]),
        [EXTENSION, label, ..] => !LABELS.contains(label),
        _ => false,
    }
}

/// The size that the screen needs for the first image, if it is too small.
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
        // An empty image needs nothing.
        if reach > *side && (length > 0 || *side == 0) {
            (*side, grows) = (reach, true);
        }
    }
    grows.then_some(size)
}
