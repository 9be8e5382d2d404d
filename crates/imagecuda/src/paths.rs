//! Paths that lead to no file.

use std::{fs::File, io, path::Path};

/// What Windows says of a file that another program has open, and does not let others open so.
#[cfg(windows)]
pub(crate) const ERROR_SHARING_VIOLATION: i32 = 32;

/// Opens a file to read it.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    check(path)?;
    File::open(path).map_err(|error| explain(path, error))
}

/// Windows forbids a folder, and says of a used file only its number.
#[cfg(windows)]
fn explain(path: &Path, error: io::Error) -> io::Error {
    let text = "another program has the file open and does not let it be read";
    match error.raw_os_error() {
        Some(ERROR_SHARING_VIOLATION) => io::Error::new(io::ErrorKind::ResourceBusy, text),
        _ if path.is_dir() => io::ErrorKind::IsADirectory.into(),
        _ => error,
    }
}

#[cfg(not(windows))]
fn explain(_: &Path, error: io::Error) -> io::Error {
    error
}

/// Refuses a name that the system takes for a device, as Windows takes `aux.png` in any folder. A
/// serial line would wait for ever.
#[cfg(windows)]
pub(crate) fn check(path: &Path) -> io::Result<()> {
    // Which names are devices depends on the release of Windows, so the system is asked.
    match std::path::absolute(path) {
        Ok(whole) if names_a_device(&whole) && !names_a_device(path) => Err(io::Error::new(
            io::ErrorKind::InvalidFilename,
            format!("Windows takes this name for the device {}", whole.display()),
        )),
        _ => Ok(()),
    }
}

/// Whether the path is one of devices, which a file's may be too: `\\.\C:\a.png`.
#[cfg(windows)]
fn names_a_device(path: &Path) -> bool {
    use std::path::{Component, Prefix};
    match path.components().next() {
        Some(Component::Prefix(prefix)) => matches!(prefix.kind(), Prefix::DeviceNS(_)),
        _ => false,
    }
}

#[cfg(not(windows))]
pub(crate) fn check(_: &Path) -> io::Result<()> {
    Ok(())
}
