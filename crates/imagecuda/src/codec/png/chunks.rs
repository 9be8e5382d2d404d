//! The chunks of PNG files.

use crate::{Result, memory};
use std::borrow::Cow;

pub(crate) struct Chunk<'a> {
    pub(crate) kind: &'a [u8; 4],
    pub(crate) data: &'a [u8],
    /// From its length to its checksum, of which the end of the file may lack some.
    whole: &'a [u8],
}

/// Those whose data are there.
pub(crate) fn chunks(file: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = file.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (&length, tail) = rest.split_first_chunk()?;
        let (kind, tail) = tail.split_first_chunk()?;
        let length = u32::from_be_bytes(length) as usize;
        let data = tail.get(..length)?;
        let whole;
        (whole, rest) = rest.split_at(rest.len().min(length + 12));
        Some(Chunk { kind, data, whole })
    })
}

/// Those in front of the picture's data.
pub(crate) fn head(file: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    chunks(file).take_while(|chunk| chunk.kind != b"IDAT")
}

/// The file without its texts and profile, if there are more than `few` bytes of them in front of
/// the picture: its decoder keeps them, and counts them among what it may have in memory.
pub(crate) fn without_metadata(file: &[u8], few: usize) -> Result<Cow<'_, [u8]>> {
    let is_metadata = |chunk: &Chunk<'_>| {
        let kinds = [b"eXIf", b"iCCP", b"iTXt", b"tEXt", b"zTXt"];
        kinds.contains(&chunk.kind)
    };
    let lengths = head(file)
        .filter(is_metadata)
        .map(|chunk| chunk.whole.len());
    let metadata: usize = lengths.sum();
    if metadata <= few {
        return Ok(file.into());
    }
    let mut kept = Vec::new();
    memory::reserve(&mut kept, file.len() - metadata)?;
    kept.extend(file.iter().take(8));
    let mut end = 8;
    for chunk in head(file) {
        end += chunk.whole.len();
        if !is_metadata(&chunk) {
            kept.extend(chunk.whole);
        }
    }
    kept.extend(&file[end..]);
    Ok(kept.into())
}

/// As much of the file as its decoder needs to tell the profile; nothing, if it has none.
pub(crate) fn with_profile(file: &[u8]) -> Result<Vec<u8>> {
    let mut kept = Vec::new();
    if head(file).any(|chunk| chunk.kind == b"iCCP") {
        kept.extend(file.iter().take(8));
        for chunk in head(file) {
            if [b"IHDR", b"PLTE", b"tRNS", b"iCCP"].contains(&chunk.kind) {
                memory::reserve(&mut kept, chunk.whole.len() + 8)?;
                kept.extend(chunk.whole);
            }
        }
        kept.extend(b"\0\0\0\0IDAT");
    }
    Ok(kept)
}
