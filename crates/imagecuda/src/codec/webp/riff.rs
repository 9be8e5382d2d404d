//! The container of WebP: chunks, and the extended header that announces them.

use crate::{Metadata, Result, limits::check_limit, memory};
use std::borrow::Cow;

/// Flags of the extended header.
pub(super) const ANIMATION: u8 = 0x02;
pub(super) const ALPHA: u8 = 0x10;
pub(super) const EXIF: u8 = 0x08;
pub(super) const ICC: u8 = 0x20;

/// The flags of a file that has an extended header.
pub(super) fn flags(file: &[u8]) -> Option<u8> {
    match chunks(file).next()? {
        (b"VP8X", [flags, ..]) => Some(*flags),
        _ => None,
    }
}

pub(super) fn put_chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend(kind);
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    if data.len() % 2 == 1 {
        out.push(0);
    }
}

pub(super) fn three(number: u32) -> [u8; 3] {
    let [a, b, c, _] = number.to_le_bytes();
    [a, b, c]
}

/// The end of the file by its header.
fn said_end(file: &[u8]) -> Option<usize> {
    let length = file.get(4..)?.first_chunk()?;
    usize::try_from(u32::from_le_bytes(*length))
        .ok()?
        .checked_add(8)
}

/// Repairs the length in the header of a complete file with one picture. libwebp rejects a file
/// whose length is wrong, even if the picture is complete.
pub(super) fn regular(file: &[u8]) -> Result<Cow<'_, [u8]>> {
    let (mut end, mut picture) = (12, None);
    for (kind, data) in chunks_within(file, file.len()) {
        end += 8 + data.len().next_multiple_of(2);
        match kind {
            b"VP8 " | b"VP8L" => picture = Some(end),
            // An animation may lack frames.
            b"ANMF" => return Ok(file.into()),
            _ => {}
        }
    }
    let (Some(picture), Some(said)) = (picture, said_end(file)) else {
        return Ok(file.into());
    };
    if (picture..=file.len()).contains(&said) {
        return Ok(file.into());
    }
    let mut regular = memory::copied(&file[..file.len().min(end)])?;
    // The padding byte after the last chunk may be missing.
    regular.resize(end, 0);
    regular[4..8].copy_from_slice(&((end - 8) as u32).to_le_bytes());
    Ok(regular.into())
}

/// The complete chunks of a file.
pub(super) fn chunks(file: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    chunks_within(file, said_end(file).unwrap_or(0))
}

fn chunks_within(file: &[u8], end: usize) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = file.get(12..end.min(file.len())).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, tail) = rest.split_first_chunk()?;
        let (&length, tail) = tail.split_first_chunk()?;
        let length = u32::from_le_bytes(length) as usize;
        let data = tail.get(..length)?;
        // Chunks are padded to an even length.
        rest = tail.get(length + length % 2..).unwrap_or_default();
        Some((kind, data))
    })
}

/// A file with these flags and this size. `body` has the chunks after the extended header.
pub(super) fn extended(
    flags: u8,
    (width, height): (u32, u32),
    metadata: &Metadata,
    body: &[u8],
) -> Result<Vec<u8>> {
    let (icc, exif) = (metadata.icc_profile(), metadata.exif());
    let flag = |is: bool, flag| if is { flag } else { 0 };
    let flags = flags | flag(icc.is_some(), ICC) | flag(exif.is_some(), EXIF);
    let mut header = vec![flags, 0, 0, 0];
    header.extend(three(width - 1));
    header.extend(three(height - 1));

    let added = [icc, exif]
        .into_iter()
        .flatten()
        .map(|data| data.len() as u64 + 9);
    let length = body.len() as u64 + added.sum::<u64>() + 64;
    check_limit("bytes", Some(length), u32::MAX.into())?;
    let mut file = Vec::with_capacity(length as usize);
    file.extend(b"RIFF\0\0\0\0WEBP");
    put_chunk(&mut file, b"VP8X", &header);
    if let Some(icc) = icc {
        put_chunk(&mut file, b"ICCP", icc);
    }
    file.extend(body);
    if let Some(exif) = exif {
        put_chunk(&mut file, b"EXIF", exif);
    }
    let length = (file.len() - 8) as u32;
    file[4..8].copy_from_slice(&length.to_le_bytes());
    Ok(file)
}

/// Adds `metadata` to `file`, a still picture that libwebp wrote.
pub(super) fn with_metadata(file: &[u8], size: (u32, u32), metadata: &Metadata) -> Result<Vec<u8>> {
    let mut alpha = false;
    let mut body = Vec::with_capacity(file.len());
    for (kind, data) in chunks(file) {
        alpha |= has_alpha(kind, data);
        if kind != b"VP8X" {
            put_chunk(&mut body, kind, data);
        }
    }
    extended(if alpha { ALPHA } else { 0 }, size, metadata, &body)
}

/// Whether a chunk of a picture is alpha, or says that the picture has alpha.
pub(super) fn has_alpha(kind: &[u8; 4], data: &[u8]) -> bool {
    match kind {
        b"ALPH" => true,
        // A signature, then 14 bits of width, 14 bits of height and one bit for alpha.
        b"VP8L" => data.get(4).is_some_and(|bits| bits & 0x10 != 0),
        _ => false,
    }
}

/// The coding of an alpha chunk.
pub(super) enum Alpha<'a> {
    /// One byte per pixel.
    Plain,
    /// The data of a lossless picture.
    Lossless(&'a [u8]),
    /// Unknown, or too short.
    Unknown,
}

pub(super) fn alpha(data: &[u8], pixels: usize) -> Alpha<'_> {
    let Some((&kind, data)) = data.split_first() else {
        return Alpha::Unknown;
    };
    // Two bits each: compression, filter and preprocessing. The last two are zero.
    match (kind & 3, kind >> 4) {
        (0, 0 | 1) if data.len() >= pixels => Alpha::Plain,
        (1, 0 | 1) => Alpha::Lossless(data),
        _ => Alpha::Unknown,
    }
}
