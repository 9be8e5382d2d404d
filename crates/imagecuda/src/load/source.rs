//! Reads files and readers into memory, within the limits.

use crate::{
    Device, ErrorKind, LoadOptions, Result,
    device::Staging,
    limits::check_limit,
    memory::{self, Pageable},
    parallel::Loading,
    paths,
    trace::span,
};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

impl LoadOptions {
    /// Reads a file into memory from which `device` can upload it.
    pub(crate) fn stage(&self, device: &Device, path: &Path) -> Result<Staging> {
        self.stage_in(path, |_, len| device.staging(len))
    }

    /// Reads a file of a batch. A JPEG is copied to other memory with the files that go up with it,
    /// so it is read into memory that no driver has to be asked for.
    pub(crate) fn stage_in_group(&self, device: &Device, path: &Path) -> Result<Staging> {
        self.stage_in(path, |start, len| match start.starts_with(&[0xff, 0xd8]) {
            true => Pageable::new(len).map(Staging::Pageable),
            false => device.staging(len),
        })
    }

    /// Reads a file into `memory` of a length, for a file with these first bytes.
    fn stage_in(
        &self,
        path: &Path,
        memory: impl Fn(&[u8], usize) -> Result<Staging>,
    ) -> Result<Staging> {
        span!("read",);
        let _loading = Loading::start();
        paths::check(path)?;
        let mut file = File::open(path)?;
        let len = file.metadata()?.len();
        check_limit("bytes", Some(len), self.limits.bytes)?;
        let mut start = [0; 2];
        let wanted = start.len().min(len as usize);
        let read = fill(&mut start[..wanted], |_, rest| file.read(rest))?;
        let mut staging = memory(&start[..read], len as usize)?;
        staging[..read].copy_from_slice(&start[..read]);
        let filled = read_parts(&mut file, &mut staging, read)?;
        // A pipe has no length, and a file may grow meanwhile.
        let rest = self.read_to_end(file)?;
        if filled == staging.len() && rest.is_empty() {
            return Ok(staging);
        }
        let len = filled + rest.len();
        check_limit("bytes", Some(len as u64), self.limits.bytes)?;
        let mut all = memory(&start, len)?;
        all[..filled].copy_from_slice(&staging[..filled]);
        all[filled..].copy_from_slice(&rest);
        Ok(all)
    }

    /// Reads a file into memory.
    pub(crate) fn read_whole(&self, path: &Path) -> Result<Vec<u8>> {
        paths::check(path)?;
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        check_limit("bytes", Some(len), self.limits.bytes)?;
        self.read_rest(file, len)
    }

    pub(crate) fn read_to_end(&self, reader: impl Read) -> Result<Vec<u8>> {
        self.read_rest(reader, 0)
    }

    /// Reads a reader to its end. `len` is the expected number of bytes.
    fn read_rest(&self, reader: impl Read, len: u64) -> Result<Vec<u8>> {
        let limit = self.limits.bytes;
        let mut bytes = Vec::new();
        memory::reserve(&mut bytes, usize::try_from(len).unwrap_or(usize::MAX))?;
        let mut reader = reader.take(limit.saturating_add(1));
        if let Err(error) = reader.read_to_end(&mut bytes) {
            // The size that failed is not known. At least the bytes read so far were needed.
            let (requested, free) = (bytes.len(), None);
            return Err(match error.kind() {
                io::ErrorKind::OutOfMemory => ErrorKind::OutOfMemory { requested, free }.into(),
                _ => error.into(),
            });
        }
        check_limit("bytes", Some(bytes.len() as u64), limit)?;
        Ok(bytes)
    }
}

/// Bytes of a file that a thread reads at a time. One thread copies a large file from the system's cache
/// at a quarter of the speed of several.
#[cfg(unix)]
const PART: usize = 256 << 10;

/// Fills `bytes` from the start of a file, of which the first `start` bytes have been read into them.
/// Returns how many there are, up to where the file ends.
fn read_parts(file: &mut File, bytes: &mut [u8], start: usize) -> io::Result<usize> {
    #[cfg(unix)]
    if bytes.len() > 2 * PART && crate::parallel::has_idle_cores() {
        use crate::parallel;
        use std::io::{Seek, SeekFrom};
        // What has no places, as a pipe, is read in order.
        if file.stream_position().is_ok() {
            let from = &*file;
            let parts = bytes.chunks_mut(PART).enumerate();
            let read = parallel::map_on(parallel::FEW, parts, |(number, part)| {
                let start = (number * PART) as u64;
                let read_at = std::os::unix::fs::FileExt::read_at;
                fill(part, |at, rest| read_at(from, rest, start + at as u64))
            });
            let mut filled = 0;
            for part in read {
                let part = part?;
                filled += part;
                // The file ends here, or did.
                if part < PART {
                    break;
                }
            }
            file.seek(SeekFrom::Start(filled as u64))?;
            return Ok(filled);
        }
    }
    let rest = fill(&mut bytes[start..], |_, rest| file.read(rest))?;
    Ok(start + rest)
}

/// Reads until `bytes` are full or there is nothing more. `read` gets the number of bytes that are
/// there, and the rest.
fn fill(
    bytes: &mut [u8],
    mut read: impl FnMut(usize, &mut [u8]) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match read(filled, &mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
