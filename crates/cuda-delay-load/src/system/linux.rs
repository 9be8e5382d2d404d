//! The driver library of Linux.

use std::ffi::{OsStr, c_ulong};

use libloading::{Error, Library};

/// The one that the driver installs, and the one that some systems have alone.
pub(crate) const LIBRARIES: &[&str] = &["libcuda.so.1", "libcuda.so"];

/// Whether the program may open a library that its caller names. A set-user-ID program may
/// not, just as the dynamic loader ignores `LD_LIBRARY_PATH` there.
pub(crate) fn trusts_its_caller() -> bool {
    const AT_SECURE: c_ulong = 23;
    // SAFETY: glibc and musl declare it like this; it reads a value that the kernel
    // wrote before the program began, and takes any key.
    unsafe extern "C" {
        safe fn getauxval(key: c_ulong) -> c_ulong;
    }
    getauxval(AT_SECURE) == 0
}

/// Opens a path, or a name that the dynamic loader searches for.
///
/// # Safety
///
/// The library's constructors may run in this process.
pub(crate) unsafe fn open(path: &OsStr) -> Result<Library, Error> {
    // SAFETY: what the caller promises.
    unsafe { Library::new(path) }
}
