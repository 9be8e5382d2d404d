//! Writes files that appear complete or not at all.

mod attributes;
#[cfg(target_os = "linux")]
mod mapped;
#[cfg(not(target_os = "linux"))]
#[path = "not_mapped.rs"]
mod mapped;
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(not(windows), path = "unix.rs")]
mod system;
mod target;

use self::{
    mapped::Mapping,
    system::{open_old, rename, rename_over},
    target::{Target, folder, in_folder},
};
use crate::{Result, parallel, sink::Sink};
use std::{
    fs::{File, Metadata},
    io::{self, BufWriter, Cursor, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};
use tempfile::NamedTempFile;

/// Writes a file through `write` and returns its size in bytes. The data go to a temporary file in
/// the same folder, which is renamed at the end. Nothing is forced to the disk: readers see a
/// complete file, but a power failure may lose it.
///
/// A symbolic link is followed and stays. A file that is replaced keeps its owner, permissions and
/// attributes as far as the system allows. If its folder does not allow a new file, the file is
/// overwritten in place. Anything but a regular file (a pipe, a device, an open file of a process)
/// is written to, because it cannot be replaced.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut dyn Sink) -> Result<()>) -> Result<u64> {
    match Target::of(path)? {
        Target::New(path) => {
            let file = beside(&path, 0o666, None).map_err(|error| in_folder(&path, &error))?;
            let (length, mapping) = fill(&file, write)?;
            let renamed = rename(file, &path);
            renamed.map_err(|error| in_folder(&path, &error.error))?;
            unmap(mapping);
            Ok(length)
        }
        Target::File(path, _) => over(&path, write),
        Target::Stream(stream) => {
            let bytes = in_memory(write)?;
            stream.open()?.write_all(&bytes)?;
            Ok(bytes.len() as u64)
        }
    }
}

/// Whether a file that is not empty exists at `path`. Devices and pipes do not count.
pub(crate) fn is_there(path: &Path) -> bool {
    matches!(Target::of(path), Ok(Target::File(_, metadata)) if metadata.len() > 0)
}

/// Replaces the regular file at `path`.
fn over(path: &Path, write: impl FnOnce(&mut dyn Sink) -> Result<()>) -> Result<u64> {
    // Opening it checks that the caller may change the file.
    let old = open_old(path)?;
    // The old file may be secret, so only the owner may read the new one for now.
    let file = match beside(path, 0o600, old.metadata().ok().as_ref()) {
        Ok(file) => file,
        Err(error) if needs_no_folder(&error) => {
            let bytes = in_memory(write)?;
            overwrite(&old, &bytes)?;
            return Ok(bytes.len() as u64);
        }
        Err(error) => return Err(in_folder(path, &error).into()),
    };
    let (length, mapping) = fill(&file, write)?;
    attributes::keep(&old, file.as_file());
    let renamed = rename_over(file, path, old);
    unmap(mapping);
    let Err(error) = renamed else {
        return Ok(length);
    };
    let (error, mut file) = (error.error, error.file);
    if !needs_no_folder(&error) {
        return Err(in_folder(path, &error).into());
    }
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    overwrite(&File::options().write(true).open(path)?, &bytes)?;
    Ok(length)
}

/// Whether the error forbids replacing the file, but not writing to it: its folder is read-only, or
/// sticky with another owner of the file, or the file is a mount point.
fn needs_no_folder(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    match error.kind() {
        PermissionDenied | ReadOnlyFilesystem | CrossesDevices => true,
        // Windows has no such mounts. There, another program has the file open.
        ResourceBusy => cfg!(not(windows)),
        _ => false,
    }
}

/// Overwrites an existing file. The part beyond the old end is written first, so that a full disk
/// leaves the old content as it was.
fn overwrite(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    let old = file.metadata()?.len();
    let here = bytes.len().min(usize::try_from(old).unwrap_or(usize::MAX));
    let (here, beyond) = bytes.split_at(here);
    file.seek(SeekFrom::Start(here.len() as u64))?;
    if let Err(error) = file.write_all(beyond) {
        let _ = file.set_len(old);
        return Err(error);
    }
    file.rewind()?;
    file.write_all(here)?;
    file.set_len(bytes.len() as u64)
}

fn in_memory(write: impl FnOnce(&mut dyn Sink) -> Result<()>) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    write(&mut bytes)?;
    Ok(bytes.into_inner())
}

/// Writes the whole temporary file. Returns its size, and a mapping that may be left.
fn fill(
    file: &NamedTempFile,
    write: impl FnOnce(&mut dyn Sink) -> Result<()>,
) -> Result<(u64, Option<Mapping>)> {
    let mut out = FileSink::new(file.as_file());
    write(&mut out)?;
    out.flush()?;
    let length = file.as_file().metadata()?.len();
    if out.reserved > length {
        // What was not needed is given back.
        file.as_file().set_len(length)?;
    }
    Ok((length, out.mapping))
}

/// Drops a mapping on another thread. That takes as long as copying to it took several threads.
fn unmap(mapping: Option<Mapping>) {
    if let Some(mapping) = mapping {
        rayon::spawn(move || {
            let _mapping = mapping;
        });
    }
}

/// The fewest bytes for which a file system is asked for room, or frees it later. Fewer are written as fast
/// without it.
const LARGE: usize = 1 << 20;

/// How many files are being written.
static WRITING: AtomicUsize = AtomicUsize::new(0);

/// Counts a file as being written, until it is dropped.
struct Writing(());

impl Writing {
    fn start() -> Self {
        WRITING.fetch_add(1, Ordering::Relaxed);
        Self(())
    }

    /// Whether the other cores probably have nothing to do.
    fn is_alone(&self) -> bool {
        WRITING.load(Ordering::Relaxed) < 2 && parallel::has_idle_cores()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        WRITING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The temporary file. `NamedTempFile` would add its own path to errors, and drop the system's error number.
struct FileSink<'a> {
    file: BufWriter<&'a File>,
    /// Bytes that there is room for.
    reserved: u64,
    /// Memory that the last large part of the file was copied to.
    mapping: Option<Mapping>,
    writing: Writing,
}

impl<'a> FileSink<'a> {
    fn new(file: &'a File) -> Self {
        Self {
            file: BufWriter::new(file),
            reserved: 0,
            mapping: None,
            writing: Writing::start(),
        }
    }

    /// Makes room for the first `bytes` bytes. Returns whether there is room.
    fn make_room(&mut self, bytes: u64) -> bool {
        if bytes > self.reserved && system::reserve(self.file.get_ref(), self.reserved, bytes) {
            self.reserved = bytes;
        }
        bytes <= self.reserved
    }

    /// Whether so many bytes should be written through a mapping.
    fn may_map(&self, bytes: usize) -> bool {
        mapped::suits(self.file.get_ref(), bytes) && self.writing.is_alone()
    }

    /// Writes many bytes through a mapping. Returns whether that was possible. If not, the position is the same.
    fn write_mapped(&mut self, bytes: usize, parts: &[&[u8]]) -> io::Result<bool> {
        self.file.flush()?;
        let start = self.file.stream_position()?;
        let end = start.saturating_add(bytes as u64);
        // To make room for many bytes takes less time than to make room for each page.
        if !self.make_room(end) {
            return Ok(false);
        }
        let Some(mapping) = mapped::write(self.file.get_ref(), start, parts) else {
            return Ok(false);
        };
        unmap(self.mapping.replace(mapping));
        self.file.seek(SeekFrom::Start(end))?;
        Ok(true)
    }
}

impl Sink for FileSink<'_> {
    fn expect(&mut self, bytes: usize) {
        // On a disk it takes less time to make room, and more to give it back.
        if self.may_map(bytes) {
            self.make_room(bytes as u64);
        }
    }

    fn reserve(&mut self, bytes: usize) {
        if bytes > LARGE {
            self.make_room(bytes as u64);
        }
    }

    fn write_parts(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        let bytes = parts.iter().map(|part| part.len()).sum();
        if self.may_map(bytes) && self.write_mapped(bytes, parts)? {
            return Ok(());
        }
        parts.iter().try_for_each(|part| self.file.write_all(part))
    }
}

impl Write for FileSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_parts(&[bytes])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for FileSink<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Creates a temporary file in the folder of `path`. On Unix its permissions are `mode` without the
/// bits of the process's umask. On Windows it has the attributes of `old`.
fn beside(path: &Path, mode: u32, old: Option<&Metadata>) -> io::Result<NamedTempFile> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    system::prepare(&mut options, mode, old);
    // Opened here, so that an error is the system's own.
    let mut builder = tempfile::Builder::new();
    builder.prefix(".imagecuda-");
    builder.make_in(folder(path), |hidden| options.open(hidden))
}

#[cfg(test)]
mod tests;
