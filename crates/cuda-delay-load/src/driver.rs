//! Opening the driver library, once.

use std::{
    env,
    error::Error as _,
    ffi::{OsStr, OsString, c_void},
    path::PathBuf,
    sync::OnceLock,
};

use libloading::Library;

use crate::{
    LoadError, system,
    trampoline::{self, Code},
};

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
    let chosen = env::var_os(crate::PATH_VARIABLE);
    match chosen.filter(|path| !path.is_empty() && system::trusts_its_caller()) {
        Some(path) => vec![path],
        None => system::LIBRARIES.iter().map(OsString::from).collect(),
    }
}

fn open_at(path: &OsStr) -> Result<Driver, String> {
    // SAFETY: opening a library runs its constructors. This is the one that the user's
    // system, or the user, says is the CUDA driver, and which plain linking would have
    // run before `main`.
    let library = unsafe { system::open(path) }.map_err(|error| message(&error))?;
    // SAFETY: the driver's cuInit has had this signature in every version of CUDA.
    let cu_init = *unsafe { library.get::<CuInit>("cuInit") }.map_err(lacks("cuInit"))?;
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

/// A message that names the function that the library has not got: not every loader does.
fn lacks(function: &str) -> impl Fn(libloading::Error) -> String {
    move |error| match message(&error) {
        text if text.contains(function) => text,
        text => format!("no function {function}: {text}"),
    }
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
