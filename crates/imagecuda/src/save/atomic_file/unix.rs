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

/// Prepares the creation of a temporary file.
pub(super) fn prepare(options: &mut OpenOptions, mode: u32, _: Option<&Metadata>) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, mode);
    #[cfg(not(unix))]
    let _ = (options, mode);
}
