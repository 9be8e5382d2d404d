//! Files and readers into memory, as far as the limits go.

use crate::{
    Device, ErrorKind, LoadOptions, Result,
    backend::{Staging, cpu},
    codec,
};
use rayon::prelude::*;
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

/// What a core copies from the system's cache in the time that another takes to wake up, a few
/// times over.
const PIECE: usize = 1 << 19;

impl LoadOptions {
    /// Reads a file into memory from which `device` can upload it; by all cores, if they have
    /// nothing else to do.
    pub(crate) fn stage(&self, device: &Device, path: &Path, all_cores: bool) -> Result<Staging> {
        let mut file = File::open(path)?;
        let len = file.metadata()?.len();
        codec::within("bytes", Some(len), self.limits.bytes)?;
        let mut staging = device.staging(len as usize)?;
        let mut filled = 0;
        // What goes wrong is told by reading it again, from the start.
        if all_cores && staging.len() >= 2 * PIECE && read_pieces(&file, &mut staging).is_ok() {
            filled = staging.len();
            file.seek(SeekFrom::Start(len))?;
        }
        while filled < staging.len() {
            match file.read(&mut staging[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Pipes have no length, and a file can change meanwhile.
        let rest = self.read_to_end(file)?;
        if filled == staging.len() && rest.is_empty() {
            return Ok(staging);
        }
        let len = filled + rest.len();
        codec::within("bytes", Some(len as u64), self.limits.bytes)?;
        let mut all = device.staging(len)?;
        all[..filled].copy_from_slice(&staging[..filled]);
        all[filled..].copy_from_slice(&rest);
        Ok(all)
    }

    /// Reads a file into memory.
    pub(crate) fn read_whole(&self, path: &Path) -> Result<Vec<u8>> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        codec::within("bytes", Some(len), self.limits.bytes)?;
        self.read_rest(file, len)
    }

    pub(crate) fn read_to_end(&self, reader: impl Read) -> Result<Vec<u8>> {
        self.read_rest(reader, 0)
    }

    /// All of a reader, which may have `len` bytes.
    fn read_rest(&self, reader: impl Read, len: u64) -> Result<Vec<u8>> {
        let limit = self.limits.bytes;
        let mut bytes = Vec::new();
        cpu::reserve(&mut bytes, usize::try_from(len).unwrap_or(usize::MAX))?;
        let mut reader = reader.take(limit.saturating_add(1));
        if let Err(error) = reader.read_to_end(&mut bytes) {
            // At least what there is already.
            let (requested, free) = (bytes.len(), None);
            return Err(match error.kind() {
                io::ErrorKind::OutOfMemory => ErrorKind::OutOfMemory { requested, free }.into(),
                _ => error.into(),
            });
        }
        codec::within("bytes", Some(bytes.len() as u64), limit)?;
        Ok(bytes)
    }
}

/// Fills `out` with the start of a file, whose position stays as it is.
#[cfg(unix)]
fn read_pieces(file: &File, out: &mut [u8]) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    out.par_chunks_mut(PIECE)
        .enumerate()
        .try_for_each(|(i, piece)| file.read_exact_at(piece, (i * PIECE) as u64))
}

#[cfg(not(unix))]
fn read_pieces(_: &File, _: &mut [u8]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for len in [0, 1, 2 * PIECE - 1, 2 * PIECE, 3 * PIECE + 17] {
            let bytes: Vec<u8> = (0..len).map(|i| (i ^ i >> 9 ^ i >> 17) as u8).collect();
            std::fs::write(&path, &bytes).unwrap();
            for all_cores in [false, true] {
                let options = LoadOptions::new();
                let staging = options.stage(&Device::cpu(), &path, all_cores).unwrap();
                assert!(staging[..] == bytes[..], "{len} bytes");
            }
            let too_much = LoadOptions::new().max_bytes((len as u64).saturating_sub(1));
            let result = too_much.stage(&Device::cpu(), &path, true);
            assert_eq!(result.is_err(), len > 0);
        }
    }
}
