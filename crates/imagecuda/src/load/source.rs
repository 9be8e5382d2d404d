//! Reads files and readers into memory, within the limits.

use crate::{
    Device, ErrorKind, Format, LoadOptions, Result,
    device::{Staging, UploadedJpeg},
    jpeg::{FirstScan, LookedAt},
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
        let file = self.stage_in(path, MAGIC, |_, len| device.staging(len), |_, _| None)?;
        Ok(file.memory)
    }

    /// As [`stage`](Self::stage). The upload of a JPEG that kernels will probably decode begins.
    pub(crate) fn stage_alone(&self, device: &Device, path: &Path) -> Result<StagedFile> {
        let may_be_jpeg = self.format.is_none_or(|format| format == Format::Jpeg);
        let upload = |file: &Staging, scan: FirstScan| {
            let decoder = self.jpeg_decoder;
            may_be_jpeg.then(|| device.start_uploading_jpeg(file, scan, decoder))?
        };
        self.stage_in(path, HEAD, |_, len| device.staging(len), upload)
    }

    /// Reads a file of a batch. A JPEG is copied to other memory with the files that go up with it,
    /// so it is read into memory that no driver has to be asked for.
    pub(crate) fn stage_in_group(&self, device: &Device, path: &Path) -> Result<Staging> {
        let memory = |start: &[u8], len| match start.starts_with(&[0xff, 0xd8]) {
            true => Pageable::new(len).map(Staging::Pageable),
            false => device.staging(len),
        };
        Ok(self.stage_in(path, MAGIC, memory, |_, _| None)?.memory)
    }

    /// Reads a file into `memory` of a length, for a file with these first bytes; at most `head` bytes
    /// are read first. Calls `upload` once the file of a scan in these bytes is read.
    fn stage_in(
        &self,
        path: &Path,
        head: usize,
        memory: impl Fn(&[u8], usize) -> Result<Staging>,
        upload: impl Fn(&Staging, FirstScan) -> Option<UploadedJpeg>,
    ) -> Result<StagedFile> {
        span!("read",);
        let _loading = Loading::start();
        let mut file = paths::open(path)?;
        let len = file.metadata()?.len();
        check_limit("bytes", Some(len), self.limits.bytes)?;
        let mut start = [0; HEAD];
        let wanted = head.min(len as usize);
        let mut read = fill(&mut start[..wanted], |_, rest| file.read(rest))?;
        let start = &start[..read];
        let mut staging = memory(start, len as usize)?;
        staging[..read].copy_from_slice(start);
        let mut scan = FirstScan::find(start);
        if scan.is_none() && head == HEAD && start.starts_with(&[0xff, 0xd8]) {
            // A thumbnail or a profile comes first.
            let more = staging.len().min(LONG_HEAD);
            read += fill(&mut staging[read..more], |_, rest| file.read(rest))?;
            scan = FirstScan::find(&staging[..read]);
        }
        let (filled, chunks) = read_parts(&mut file, &mut staging, read, scan)?;
        let is_full = filled == staging.len();
        let uploaded = scan
            .filter(|_| is_full)
            .and_then(|scan| upload(&staging, scan));
        // A pipe has no length, and a file may grow meanwhile.
        let rest = self.read_to_end(file)?;
        if is_full && rest.is_empty() {
            let looked_at = scan.map(|FirstScan { start, .. }| LookedAt { start, chunks });
            return Ok(StagedFile {
                uploaded,
                memory: staging,
                looked_at,
            });
        }
        let len = filled + rest.len();
        check_limit("bytes", Some(len as u64), self.limits.bytes)?;
        let mut all = memory(start, len)?;
        all[..filled].copy_from_slice(&staging[..filled]);
        all[filled..].copy_from_slice(&rest);
        Ok(StagedFile {
            uploaded: None,
            memory: all,
            looked_at: None,
        })
    }

    /// Reads a file into memory.
    pub(crate) fn read_whole(&self, path: &Path) -> Result<Vec<u8>> {
        let file = paths::open(path)?;
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

/// A file that has been read.
pub(crate) struct StagedFile {
    /// Before the memory, which it is uploaded from: dropping it waits for that.
    pub(super) uploaded: Option<UploadedJpeg>,
    pub(super) memory: Staging,
    /// What was seen of the data of a JPEG's first scan.
    pub(super) looked_at: Option<LookedAt>,
}

/// Bytes of a file that are read first: only its magic bytes, or enough for the markers of most JPEGs
/// without a thumbnail.
const MAGIC: usize = 2;
const HEAD: usize = 8 << 10;

/// The same with a thumbnail and a profile.
const LONG_HEAD: usize = 96 << 10;

/// Bytes of a JPEG that a thread reads at a time. Its data are looked at too, while a core has them in its
/// cache.
#[cfg(unix)]
const JPEG_PART: usize = 16 * imagecuda_kernels::jpeg::stuffing::CHUNK;

/// Fills `bytes` from the start of a file, of which the first `start` bytes have been read into them.
/// Returns how many there are, up to where the file ends; and what is known of the chunks of data after
/// the start of `scan`, if that was looked at.
#[cfg_attr(not(unix), allow(unused_variables, reason = "files are read in order"))]
fn read_parts(
    file: &mut File,
    bytes: &mut [u8],
    start: usize,
    scan: Option<FirstScan>,
) -> io::Result<(usize, Vec<(bool, u32)>)> {
    #[cfg(unix)]
    {
        use crate::{
            jpeg::look_at_part,
            parallel::{self, COPIERS, COPY_PART},
        };
        use std::io::{Seek, SeekFrom};
        let (from, size) = scan.map_or((0, COPY_PART), |scan| (scan.start, JPEG_PART));
        let is_large = bytes.len() - start > 2 * size;
        // What has no places, as a pipe, is read in order.
        if is_large && parallel::has_idle_cores() && file.stream_position().is_ok() {
            let shared = &*file;
            let parts = bytes[from..].chunks_mut(size).enumerate();
            let read = parallel::map_on(COPIERS, parts, |(number, part)| -> io::Result<_> {
                let first = from + number * size;
                let there = start.saturating_sub(first).min(part.len());
                let read_at = std::os::unix::fs::FileExt::read_at;
                let read = fill(&mut part[there..], |at, rest| {
                    read_at(shared, rest, (first + there + at) as u64)
                })?;
                let looked = scan.map(|_| look_at_part(&part[..there + read]));
                Ok((there + read, looked.unwrap_or_default()))
            });
            let (mut filled, mut chunks) = (from, Vec::new());
            for part in read {
                let (part, looked): (usize, Vec<(bool, u32)>) = part?;
                filled += part;
                chunks.extend(looked);
                // The file ends here, or did.
                if part < size {
                    break;
                }
            }
            file.seek(SeekFrom::Start(filled as u64))?;
            return Ok((filled, chunks));
        }
    }
    let rest = fill(&mut bytes[start..], |_, rest| file.read(rest))?;
    Ok((start + rest, Vec::new()))
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
