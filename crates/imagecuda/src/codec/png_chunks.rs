//! The chunks of PNG files.

#[cfg(feature = "png")]
use crate::{Result, backend::cpu};
#[cfg(feature = "png")]
use std::borrow::Cow;

/// Bytes of texts that decoders may well keep.
#[cfg(feature = "png")]
const FEW: usize = 4 << 20;

pub(super) struct Chunk<'a> {
    pub(super) kind: &'a [u8; 4],
    pub(super) data: &'a [u8],
    /// From its length to its checksum, of which the end of the file may lack some.
    #[cfg_attr(not(feature = "png"), expect(dead_code))]
    whole: &'a [u8],
}

/// Those whose data are there.
pub(super) fn chunks(file: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
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

/// The file without texts, if they are large: its decoder keeps them, and counts them among what it
/// may have in memory.
#[cfg(feature = "png")]
pub(super) fn without_texts(file: &[u8]) -> Result<Cow<'_, [u8]>> {
    let is_text = |chunk: &Chunk<'_>| {
        let kinds = [b"eXIf", b"iTXt", b"tEXt", b"zTXt"];
        kinds.contains(&chunk.kind)
    };
    let texts = chunks(file).filter(is_text).map(|text| text.whole.len());
    let texts: usize = texts.sum();
    if texts <= FEW {
        return Ok(file.into());
    }
    let mut kept = Vec::new();
    cpu::reserve(&mut kept, file.len() - texts)?;
    kept.extend(file.iter().take(8));
    let mut end = 8;
    for chunk in chunks(file) {
        end += chunk.whole.len();
        if !is_text(&chunk) {
            kept.extend(chunk.whole);
        }
    }
    kept.extend(&file[end..]);
    Ok(kept.into())
}
