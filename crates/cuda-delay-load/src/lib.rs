#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod error;
mod symbols;

#[cfg(cuda_delay_load)]
#[allow(unsafe_code, reason = "opens a library and calls into it")]
mod driver;
#[cfg(cuda_delay_load)]
#[allow(unsafe_code, reason = "opens a library")]
#[cfg_attr(windows, path = "system/windows.rs")]
#[cfg_attr(not(windows), path = "system/linux.rs")]
mod system;
#[cfg(cuda_delay_load)]
#[allow(unsafe_code, reason = "defines the functions of another library")]
mod trampoline;

#[cfg(not(cuda_delay_load))]
mod plain;
#[cfg(not(cuda_delay_load))]
use plain as driver;

pub use error::LoadError;

/// The environment variable that names the driver library to open: a path, or a file
/// name for the dynamic loader to search for, on Windows in the system's folder alone.
/// Nothing else is tried then.
///
/// It is read once, when the library is first wanted, and not at all by a set-user-ID
/// program.
pub const PATH_VARIABLE: &str = "CUDA_DELAY_LOAD_PATH";

/// Opens the driver library, unless that was done before, and says why if it cannot.
///
/// `cuInit` does the same and has only a number to answer with, so call this where a
/// user is to learn the reason. It does not initialise CUDA: a machine with a driver
/// and no GPU passes here, and `cuInit` then reports `CUDA_ERROR_NO_DEVICE`.
///
/// The outcome of the first attempt, by any thread, holds until the process ends.
///
/// # Errors
///
/// [`LoadError`] when there is no such library, when the dynamic loader refuses it, or
/// when it has no `cuInit`.
///
/// # Examples
///
/// ```
/// match cuda_delay_load::load() {
///     Ok(()) => println!("there is a CUDA driver"),
///     Err(error) => println!("no GPU here: {error}"),
/// }
/// ```
pub fn load() -> Result<(), LoadError> {
    driver::load()
}

/// Whether the driver library is open. Opens nothing itself.
pub fn is_loaded() -> bool {
    driver::is_loaded()
}

/// Whether calls of the function `name` reach the driver: it is loaded, it has the
/// function, and this crate knows the name.
///
/// The name is the one that `cust_raw` declares, version suffix and all
/// (`cuMemAlloc_v2`). Calling a function for which this is false is safe, and returns
/// `CUDA_ERROR_NOT_INITIALIZED` or `CUDA_ERROR_NOT_SUPPORTED`.
///
/// # Examples
///
/// ```
/// # let _ = cuda_delay_load::load();
/// if cuda_delay_load::has_symbol("cuMemAllocAsync") {
///     // The driver is from CUDA 11.2 or later.
/// }
/// ```
pub fn has_symbol(name: &str) -> bool {
    #[cfg(cuda_delay_load)]
    return is_loaded() && trampoline::is_filled(name);
    #[cfg(not(cuda_delay_load))]
    plain::has_symbol(name)
}

/// How often functions of the driver were called since the program began; 0 where this
/// crate leaves the linking to the platform. Each call takes a little longer with the
/// feature `count`.
#[cfg(feature = "count")]
pub fn calls() -> u64 {
    calls_by_name().map(|(_, calls)| calls).sum()
}

/// The functions of the driver that were called since the program began, and how often; as
/// for [`calls`].
#[cfg(feature = "count")]
pub fn calls_by_name() -> impl Iterator<Item = (&'static str, u64)> {
    #[cfg(cuda_delay_load)]
    let all = trampoline::calls_by_name();
    #[cfg(not(cuda_delay_load))]
    let all = std::iter::empty();
    all.filter(|&(_, calls)| calls > 0)
}
