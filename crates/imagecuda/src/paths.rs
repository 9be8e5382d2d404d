//! Paths that lead to no file.

use std::{io, path::Path};

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
