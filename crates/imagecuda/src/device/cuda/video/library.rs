//! libnvcuvid, which comes with the driver. It is opened when a picture first needs it.

use super::abi::*;
use libloading::Library as Opened;
use std::{
    error::Error as _,
    ffi::{OsStr, c_int, c_uint, c_ulonglong, c_void},
    fmt,
    sync::OnceLock,
};

/// The names under which Linux has the library.
const NAMES: [&str; 2] = ["libnvcuvid.so.1", "libnvcuvid.so"];

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
                // SAFETY: opening a library runs its constructors. This one comes with the driver of the
                // user's system, or is the one that the user names.
                let opened = unsafe { Opened::new(path.as_ref()) }.map_err(message)?;
                Ok(Self {
                    $($name: {
                        // SAFETY: NVIDIA's interface has the function with these arguments since 2018.
                        let symbol = unsafe {
                            opened.get::<unsafe extern "C" fn($($argument),*) -> c_int>(stringify!($name))
                        };
                        *symbol.map_err(message)?
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

/// What the loader said; libloading's own text is only "dlopen failed".
fn message(error: libloading::Error) -> String {
    match error.source() {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

/// The library, or why there is none. The outcome of the first attempt holds until the process ends.
pub(super) fn library() -> Result<&'static Library, &'static str> {
    static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();
    let open = || {
        let [first, second] = NAMES.map(Library::open);
        first.or_else(|message| second.map_err(|_| message))
    };
    LIBRARY.get_or_init(open).as_ref().map_err(String::as_str)
}
