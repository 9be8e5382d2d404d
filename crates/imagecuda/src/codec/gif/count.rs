//! How many frames a GIF has, by its structure alone.

/// Of a file that is cut short, the frames that begin in it.
pub(super) fn count(bytes: &[u8]) -> u32 {
    images(bytes).unwrap_or_else(|begun| begun)
}

/// The images among a GIF's blocks; as an error, if the blocks do not end as they should.
fn images(bytes: &[u8]) -> Result<u32, u32> {
    // A table of colours has a power of two of them, if the first bit is set.
    let table = |flags: u8| match flags & 0x80 {
        0 => 0,
        _ => 3 << ((flags & 7) + 1),
    };
    let mut count = 0;
    let at = |position: usize| bytes.get(position).copied();
    let mut position = 13 + at(10).map_or(0, table);
    loop {
        let counted = count;
        // What is before a block's data, which are pieces behind their lengths.
        position += match at(position).ok_or(count)? {
            0x21 => 2,
            0x2c => {
                count += 1;
                11 + at(position + 9).map_or(0, table)
            }
            0x3b => return Ok(count),
            _ => return Err(count),
        };
        // The decoder takes an image's first piece for no end, though it be empty.
        if count > counted && at(position) == Some(0) {
            position += 1;
        }
        loop {
            let length = usize::from(at(position).ok_or(count)?);
            position += 1 + length;
            if length == 0 {
                break;
            }
        }
    }
}
