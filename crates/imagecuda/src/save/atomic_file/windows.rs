//! Replacing a file on Windows. Whoever has the old one open keeps it, if they have opened it so that
//! it may be deleted. If not, it cannot be replaced.

use crate::paths::ERROR_SHARING_VIOLATION;
use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    os::windows::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};
use tempfile::{NamedTempFile, PersistError};

/// Rights to a file, as Windows numbers them.
const GENERIC_WRITE: u32 = 0x4000_0000;
const DELETE: u32 = 0x0001_0000;

/// What a file keeps when it is replaced: hidden, of the system, not indexed.
const KEPT_ATTRIBUTES: u32 = 0x2 | 0x4 | 0x2000;

/// Makes room for bytes of a file. Returns whether there is room now.
pub(super) fn reserve(_: &File, _: u64, _: u64) -> bool {
    false
}

/// Prepares the creation of a temporary file.
pub(super) fn prepare(options: &mut OpenOptions, _: u32, old: Option<&Metadata>) {
    if let Some(old) = old {
        options.attributes(old.file_attributes() & KEPT_ATTRIBUTES);
    }
}

/// Opens a file that is to be replaced. It fails if the caller may not change the file, or if another
/// program does not let anybody replace it.
pub(super) fn open_old(path: &Path) -> io::Result<File> {
    match open(path, GENERIC_WRITE | DELETE) {
        // One that may not be deleted may still be written to.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => open(path, GENERIC_WRITE),
        other => other,
    }
}

fn open(path: &Path, rights: u32) -> io::Result<File> {
    let opened = File::options().access_mode(rights).open(path);
    opened.map_err(|error| match error.raw_os_error() {
        Some(ERROR_SHARING_VIOLATION) => in_use(),
        _ => error,
    })
}

fn in_use() -> io::Error {
    let text = "another program has the file open and does not let it be replaced";
    io::Error::new(io::ErrorKind::ResourceBusy, text)
}

/// Gives a temporary file the name of the file that is open as `old`, which has to be closed before.
pub(super) fn rename_over(file: NamedTempFile, path: &Path, old: File) -> Result<(), PersistError> {
    drop(old);
    rename(file, path)
}

/// Gives a temporary file its name.
pub(super) fn rename(file: NamedTempFile, path: &Path) -> Result<(), PersistError> {
    // Not `persist`, which knows no paths of more than 260 characters, and replaces no file that
    // anybody has open.
    let Err(error) = fs::rename(file.path(), path) else {
        // The temporary file has no name any more, so dropping it removes nothing.
        return Ok(());
    };
    let is_used = match (error.kind(), error.raw_os_error()) {
        (_, Some(ERROR_SHARING_VIOLATION)) => true,
        // Windows says the same of a folder that forbids it and of a file that a program uses. Where
        // the file may be deleted, it is the latter.
        (io::ErrorKind::PermissionDenied, _) => match open(path, DELETE) {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::ResourceBusy,
        },
        _ => false,
    };
    let error = if is_used { in_use() } else { error };
    Err(PersistError { error, file })
}
