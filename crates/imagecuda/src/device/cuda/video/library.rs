//! libnvcuvid, which comes with the driver. It is opened when a picture first needs it.

use super::abi::*;
use libloading::Library as Opened;
use std::{
    error::Error as _,
    ffi::{OsStr, c_int, c_uint, c_ulonglong, c_void},
    fmt,
    sync::OnceLock,
};

/// The names under which the system has the library.
#[cfg(not(windows))]
const NAMES: &[&str] = &["libnvcuvid.so.1", "libnvcuvid.so"];
#[cfg(windows)]
const NAMES: &[&str] = &["nvcuvid.dll"];

/// Opens a path, or a name where the system searches for libraries.
///
/// # Safety
///
/// The library's constructors may run in this process.
#[cfg(not(windows))]
unsafe fn open(path: &OsStr) -> Result<Opened, libloading::Error> {
    // SAFETY: what the caller promises.
    unsafe { Opened::new(path) }
}

/// Opens a whole path, or a name in the system's folder: not in the program's or the current one,
/// where anybody may have put it.
///
/// # Safety
///
/// The library's constructors may run in this process.
#[cfg(windows)]
unsafe fn open(path: &OsStr) -> Result<Opened, libloading::Error> {
    use libloading::os::windows::{LOAD_LIBRARY_SEARCH_SYSTEM32, Library};
    // SAFETY: what the caller promises.
    unsafe { Library::load_with_flags(path, LOAD_LIBRARY_SEARCH_SYSTEM32) }.map(Into::into)
}

/// Declares the table of functions and the function that fills it.
macro_rules! functions {
    ($($name:ident: $($argument:ty),*;)*) => {
        /// The functions of libnvcuvid. All return 0, or a code of the CUDA driver.
        #[allow(non_snake_case)]
        pub(super) struct Library {
            $(pub(super) $name: unsafe extern "C" fn($($argument),*) -> c_int,)*
            /// Never closed before the functions are gone.
            _opened: Opened,
        }

        impl Library {
            pub(super) fn open(path: impl AsRef<OsStr>) -> Result<Self, String> {
                let path = path.as_ref();
                // SAFETY: opening a library runs its constructors. This one comes with the driver of the
                // user's system, or is the one that the user names.
                let opened = unsafe { open(path) }.map_err(|error| message(path, None, &error))?;
                Ok(Self {
                    $($name: {
                        // SAFETY: NVIDIA's interface has the function with these arguments since 2018.
                        let symbol = unsafe {
                            opened.get::<unsafe extern "C" fn($($argument),*) -> c_int>(stringify!($name))
                        };
                        *symbol.map_err(|error| message(path, Some(stringify!($name)), &error))?
                    },)*
                    _opened: opened,
                })
            }
        }
    };
}

functions! {
    cuvidGetDecoderCaps: *mut DecoderCaps;
    cuvidCreateDecoder: *mut *mut c_void, *mut CreateInfo;
    cuvidDestroyDecoder: *mut c_void;
    cuvidReconfigureDecoder: *mut c_void, *mut ReconfigureInfo;
    cuvidDecodePicture: *mut c_void, *mut PicParams;
    cuvidGetDecodeStatus: *mut c_void, c_int, *mut DecodeStatus;
    cuvidMapVideoFrame64: *mut c_void, c_int, *mut c_ulonglong, *mut c_uint, *mut ProcParams;
    cuvidUnmapVideoFrame64: *mut c_void, c_ulonglong;
    cuvidCreateVideoParser: *mut *mut c_void, *mut ParserParams;
    cuvidParseVideoData: *mut c_void, *mut Packet;
    cuvidDestroyVideoParser: *mut c_void;
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("libnvcuvid")
    }
}

/// What the loader said of a library, or of a function in it; libloading's own text is only "dlopen
/// failed". Windows names neither.
fn message(library: &OsStr, function: Option<&str>, error: &libloading::Error) -> String {
    let text = match error.source() {
        Some(source) => source.to_string(),
        None => error.to_string(),
    };
    let library = library.to_string_lossy();
    match function {
        Some(function) if !text.contains(function) => {
            format!("{library} has no function {function}: {text}")
        }
        None if !text.contains(&*library) => format!("{library}: {text}"),
        _ => text,
    }
}

/// The library, or why there is none. The outcome of the first attempt holds until the process ends.
pub(super) fn library() -> Result<&'static Library, &'static str> {
    static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();
    let open = || {
        let mut attempts = NAMES.iter().map(Library::open);
        let first = attempts.next().unwrap_or_else(|| Err(String::new()));
        attempts.fold(first, |outcome, next| {
            outcome.or_else(|first| next.map_err(|_| first))
        })
    };
    LIBRARY.get_or_init(open).as_ref().map_err(String::as_str)
}
