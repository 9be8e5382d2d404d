//! Writes chunks: a length, a name, data, and a checksum.

use crate::Result;
use std::io::Write;

/// The most data that this library puts into a chunk. The format's limit is 2³¹ - 1.
const LONGEST: usize = 1 << 30;

/// The size of length and name.
pub(super) const HEAD: usize = 8;

/// Starts a chunk in `bytes`. The caller then appends its data.
pub(super) fn begin(bytes: &mut Vec<u8>, name: [u8; 4]) {
    bytes.clear();
    bytes.extend([0; 4]);
    bytes.extend(name);
}

/// Completes a chunk. A chunk that is too long becomes several.
pub(super) fn end(bytes: &mut Vec<u8>) {
    let len = bytes.len() - HEAD;
    if len > LONGEST {
        let name = [bytes[4], bytes[5], bytes[6], bytes[7]];
        let mut several = Vec::with_capacity(bytes.len() + len / LONGEST * 12 + 12);
        for part in bytes[HEAD..].chunks(LONGEST) {
            append(&mut several, name, part);
        }
        *bytes = several;
        return;
    }
    bytes[..4].copy_from_slice(&(len as u32).to_be_bytes());
    let checksum = crc32fast::hash(&bytes[4..]);
    bytes.extend(checksum.to_be_bytes());
}

/// Writes a chunk of at most [`LONGEST`] bytes.
pub(super) fn write(out: &mut (impl Write + ?Sized), name: [u8; 4], data: &[u8]) -> Result<()> {
    let mut bytes = Vec::with_capacity(data.len() + 12);
    append(&mut bytes, name, data);
    Ok(out.write_all(&bytes)?)
}

fn append(bytes: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    bytes.extend((data.len() as u32).to_be_bytes());
    let start = bytes.len();
    bytes.extend(name);
    bytes.extend_from_slice(data);
    let checksum = crc32fast::hash(&bytes[start..]);
    bytes.extend(checksum.to_be_bytes());
}
