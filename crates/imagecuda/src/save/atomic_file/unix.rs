//! Replacing a file on Unix. Whoever has the old one open keeps it.

use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    path::Path,
};
use tempfile::{NamedTempFile, PersistError};

/// Opens a file that is to be replaced. It fails if the caller may not change the file.
pub(super) fn open_old(path: &Path) -> io::Result<File> {
    File::options().write(true).open(path)
}

/// Gives a temporary file its name.
pub(super) fn rename(file: NamedTempFile, path: &Path) -> Result<(), PersistError> {
    file.persist(path).map(drop)
}

/// Gives a temporary file the name of the file that is open as `old`.
pub(super) fn rename_over(file: NamedTempFile, path: &Path, old: File) -> Result<(), PersistError> {
    let length = old.metadata().map_or(0, |metadata| metadata.len());
    rename(file, path)?;
    // The system frees the old file's memory when nobody has it open any more. For a large one that
    // takes up to a quarter of the time of writing it, and the caller need not wait for it.
    if length >= super::LARGE as u64 {
        rayon::spawn(move || drop(old));
    }
    Ok(())
}

/// Makes room for the bytes of a file from `start` to `end`. Its length stays. Returns whether there is room
/// now: some file systems cannot do it, and a full one says so when the bytes are written.
#[cfg(target_os = "linux")]
pub(super) fn reserve(file: &File, start: u64, end: u64) -> bool {
    use rustix::fs::{FallocateFlags, fallocate};
    fallocate(file, FallocateFlags::KEEP_SIZE, start, end - start).is_ok()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn reserve(_: &File, _: u64, _: u64) -> bool {
    false
}

/// Prepares the creation of a temporary file.
pub(super) fn prepare(options: &mut OpenOptions, mode: u32, _: Option<&Metadata>) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, mode);
    #[cfg(not(unix))]
    let _ = (options, mode);
}
