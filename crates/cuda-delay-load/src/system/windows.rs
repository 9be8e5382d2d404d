//! The driver library of Windows.

use std::{
    ffi::OsStr,
    path::{self, Path},
};

use libloading::{
    Error, Library,
    os::windows::{self, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR, LOAD_LIBRARY_SEARCH_SYSTEM32},
};

/// The driver installs it in the system's folder.
pub(crate) const LIBRARIES: &[&str] = &["nvcuda.dll"];

/// Whether the program may open a library that its caller names. Windows has no programs
/// with the rights of their file's owner.
pub(crate) fn trusts_its_caller() -> bool {
    true
}

/// Opens a path, or a name in the system's folder: never one in the program's folder, in the
/// current one or in those of `PATH`, where anybody may have put it.
///
/// # Safety
///
/// The library's constructors may run in this process.
pub(crate) unsafe fn open(name: &OsStr) -> Result<Library, Error> {
    let (name, flags) = match Path::new(name).file_name() == Some(name) {
        true => (name.to_owned(), LOAD_LIBRARY_SEARCH_SYSTEM32),
        // Libraries that it needs may be beside it. Windows wants the whole path for that.
        false => (
            path::absolute(name).map_or_else(|_| name.to_owned(), Into::into),
            LOAD_LIBRARY_SEARCH_SYSTEM32 | LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR,
        ),
    };
    // SAFETY: what the caller promises.
    unsafe { windows::Library::load_with_flags(name, flags) }.map(Into::into)
}
