//! WebP's container: chunks, and the extended header that says which there are.

use crate::{Metadata, Result, limits::check_limit};

/// Flags of the extended header.
pub(super) const ANIMATION: u8 = 0x02;
pub(super) const ALPHA: u8 = 0x10;
const EXIF: u8 = 0x08;
const ICC: u8 = 0x20;

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

/// The chunks of a file, as far as they are whole.
pub(crate) fn chunks(file: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = file.get(12..).unwrap_or_default();
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

/// A file of these flags and this size, of the chunks `body` behind its header.
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

/// `file`, a still picture that libwebp wrote, with `metadata`.
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

/// Whether a chunk of a picture is its alpha, or says that it has some.
pub(super) fn has_alpha(kind: &[u8; 4], data: &[u8]) -> bool {
    match kind {
        b"ALPH" => true,
        // A signature, then 14 bits of width, 14 of height, one of alpha.
        b"VP8L" => data.get(4).is_some_and(|bits| bits & 0x10 != 0),
        _ => false,
    }
}

/// How the data of a chunk of alpha are to be read.
pub(super) enum Alpha<'a> {
    /// A byte for each pixel.
    Plain,
    /// As a lossless picture's data.
    Lossless(&'a [u8]),
    /// In no way that there is, or they are too few.
    Unknown,
}

pub(super) fn alpha(data: &[u8], pixels: usize) -> Alpha<'_> {
    let Some((&kind, data)) = data.split_first() else {
        return Alpha::Unknown;
    };
    // Two bits each: compression, filter, preprocessing, and zeros.
    match (kind & 3, kind >> 4) {
        (0, 0 | 1) if data.len() >= pixels => Alpha::Plain,
        (1, 0 | 1) => Alpha::Lossless(data),
        _ => Alpha::Unknown,
    }
}
