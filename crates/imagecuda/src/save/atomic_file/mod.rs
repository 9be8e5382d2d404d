//! Writes files that appear complete or not at all.

mod attributes;
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(not(windows), path = "unix.rs")]
mod system;
mod target;

use self::{
    system::{open_old, rename, rename_over},
    target::{Target, folder, in_folder},
};
use crate::{Result, sink::Sink};
use std::{
    fs::{File, Metadata},
    io::{self, BufWriter, Cursor, Read, Seek, SeekFrom, Write},
    path::Path,
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
            let length = fill(&file, write)?;
            let renamed = rename(file, &path);
            renamed.map_err(|error| in_folder(&path, &error.error))?;
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
    let length = fill(&file, write)?;
    attributes::keep(&old, file.as_file());
    let Err(error) = rename_over(file, path, old) else {
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

/// Writes the whole temporary file, and returns its size.
fn fill(file: &NamedTempFile, write: impl FnOnce(&mut dyn Sink) -> Result<()>) -> Result<u64> {
    // `NamedTempFile` would add its own path to errors, and drop the system's error number.
    let mut out = FileSink {
        file: BufWriter::new(file.as_file()),
        reserved: 0,
    };
    write(&mut out)?;
    let FileSink {
        file: out,
        reserved,
    } = out;
    out.into_inner().map_err(io::IntoInnerError::into_error)?;
    let length = file.as_file().metadata()?.len();
    if reserved as u64 > length {
        // What was not needed is given back.
        file.as_file().set_len(length)?;
    }
    Ok(length)
}

/// The fewest bytes for which a file system is asked for room, or frees it later. Fewer are written as fast
/// without it.
const LARGE: usize = 1 << 20;

/// The temporary file.
struct FileSink<'a> {
    file: BufWriter<&'a File>,
    /// Bytes that there is room for.
    reserved: usize,
}

impl Sink for FileSink<'_> {
    fn reserve(&mut self, bytes: usize) {
        if bytes > self.reserved.max(LARGE) && system::reserve(self.file.get_ref(), bytes as u64) {
            self.reserved = bytes;
        }
    }
}

impl Write for FileSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
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
mod tests {
    use super::*;

    /// Room that is not needed goes back, and bytes for which there was none are written too.
    #[test]
    fn a_file_has_what_was_written_whatever_was_reserved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        for (reserved, written) in [(8 << 20, 1000), (2 << 20, 3 << 20), (0, 2 << 20), (5, 0)] {
            let bytes: Vec<u8> = (0..written).map(|i: usize| (i % 251) as u8).collect();
            let length = replace(&path, |out| {
                out.reserve(reserved);
                Ok(out.write_all(&bytes)?)
            });
            assert_eq!(length.unwrap(), bytes.len() as u64);
            assert!(std::fs::read(&path).unwrap() == bytes);
            #[cfg(target_os = "linux")]
            {
                use std::os::unix::fs::MetadataExt;
                let on_disk = std::fs::metadata(&path).unwrap().blocks() * 512;
                assert!(on_disk <= bytes.len() as u64 + (1 << 20), "{on_disk}");
            }
        }
    }
}
