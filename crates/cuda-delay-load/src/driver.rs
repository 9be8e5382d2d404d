//! Opening the driver library, once.

use std::{
    env,
    error::Error as _,
    ffi::{OsString, c_ulong, c_void},
    path::PathBuf,
    sync::OnceLock,
};

use libloading::Library;

use crate::{
    LoadError,
    trampoline::{self, Code},
};

/// The names under which Linux has the driver library: the one that the driver
/// installs, and the one that some systems have alone.
const LIBRARIES: [&str; 2] = ["libcuda.so.1", "libcuda.so"];

const NO_DEVICE: Code = 100;
const UNKNOWN: Code = 999;

type CuInit = unsafe extern "C" fn(flags: u32) -> Code;

struct Driver {
    cu_init: CuInit,
    /// Never closed: the slots point into it.
    _library: Library,
}

static DRIVER: OnceLock<Result<Driver, LoadError>> = OnceLock::new();

pub(crate) fn load() -> Result<(), LoadError> {
    driver().map(|_| ()).map_err(Clone::clone)
}

pub(crate) fn is_loaded() -> bool {
    DRIVER.get().is_some_and(Result::is_ok)
}

/// What `cuInit`'s trampoline jumps to.
pub(crate) extern "C" fn init(flags: u32) -> Code {
    match driver() {
        // SAFETY: `open` found it as the driver's cuInit, which has this signature in
        // every version of CUDA, and the library stays open.
        Ok(driver) => known(unsafe { (driver.cu_init)(flags) }),
        Err(_) => NO_DEVICE,
    }
}

/// The driver, opened by whichever thread comes first; the others wait for it, so that
/// no thread returns from here with the slots half filled.
fn driver() -> Result<&'static Driver, &'static LoadError> {
    DRIVER.get_or_init(open).as_ref()
}

fn open() -> Result<Driver, LoadError> {
    let mut attempts = Vec::new();
    for path in candidates() {
        match open_at(&path) {
            Ok(driver) => return Ok(driver),
            Err(message) => attempts.push((PathBuf::from(path), message)),
        }
    }
    Err(LoadError::new(attempts))
}

fn candidates() -> Vec<OsString> {
    match overridden() {
        Some(path) => vec![path],
        None => LIBRARIES.map(OsString::from).into(),
    }
}

/// The user's own choice of library. A set-user-ID program takes none from its caller,
/// just as the dynamic loader ignores `LD_LIBRARY_PATH` there.
fn overridden() -> Option<OsString> {
    const AT_SECURE: c_ulong = 23;
    // SAFETY: glibc and musl declare it like this; it reads a value that the kernel
    // wrote before the program began, and takes any key.
    unsafe extern "C" {
        safe fn getauxval(key: c_ulong) -> c_ulong;
    }
    if getauxval(AT_SECURE) != 0 {
        return None;
    }
    env::var_os(crate::PATH_VARIABLE).filter(|path| !path.is_empty())
}

fn open_at(path: &OsString) -> Result<Driver, String> {
    // SAFETY: opening a library runs its constructors. This is the one that the user's
    // system, or the user, says is the CUDA driver, and which plain linking would have
    // run before `main`.
    let library = unsafe { Library::new(path) }.map_err(|error| message(&error))?;
    // SAFETY: the driver's cuInit has had this signature in every version of CUDA.
    let cu_init = *unsafe { library.get::<CuInit>("cuInit") }.map_err(|error| message(&error))?;
    let find = |name: &str| {
        // SAFETY: the address is only handed on here, not called.
        let symbol = unsafe { library.get::<*mut c_void>(name) };
        symbol.map_or(std::ptr::null_mut(), |symbol| *symbol)
    };
    // SAFETY: the addresses are those of the driver's own symbols, and from here on
    // nothing can fail: the library goes into `DRIVER`, which is never dropped.
    unsafe { trampoline::fill(find) };
    Ok(Driver {
        cu_init,
        _library: library,
    })
}

/// What the loader said; libloading's own text is only "dlopen failed".
fn message(error: &libloading::Error) -> String {
    match error.source() {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

/// The code, or `CUDA_ERROR_UNKNOWN` for one that `cust_raw::cudaError_enum` does not
/// list and a newer driver may return: for the enum that would be undefined behaviour.
fn known(code: Code) -> Code {
    match code {
        0..=8 | 34 | 100..=102 | 200..=202 | 205..=224 | 300..=304 | 400 | 401 | 500 | 600 => code,
        700..=705 | 708..=720 | 800..=809 | 900..=911 => code,
        _ => UNKNOWN,
    }
}
