//! What the environment chooses.

use std::{env, ffi::OsString, sync::OnceLock};

/// Names a file to which the name of each kernel is added when it is first launched.
pub const LAUNCHED: &str = "CUDA_EMULATOR_LAUNCHED";

/// A number that chooses the order in which warps and blocks run, and how long each runs. Without it
/// they take turns in the order of their numbers.
pub const SEED: &str = "CUDA_EMULATOR_SEED";

/// `1` makes accesses to shared memory that race a fault.
pub const RACES: &str = "CUDA_EMULATOR_RACES";

/// Names of kernels, with commas between them, whose races are meant.
pub const RACES_MEANT: &str = "CUDA_EMULATOR_RACES_MEANT";

/// `1` delays what is in a stream until somebody waits for it. Whoever forgets to wait gets wrong
/// pixels.
pub const LAZY: &str = "CUDA_EMULATOR_LAZY";

/// The megabytes of the device's memory.
pub const MEMORY: &str = "CUDA_EMULATOR_MEMORY";

/// The kilobytes of shared memory of a multiprocessor. Libraries may choose kernels by it.
pub const SHARED: &str = "CUDA_EMULATOR_SHARED";

/// The billions of instructions after which a launch is taken to hang.
pub const TIMEOUT: &str = "CUDA_EMULATOR_TIMEOUT";

/// `1` writes what each launch cost to standard error.
pub const STATISTICS: &str = "CUDA_EMULATOR_STATISTICS";

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) launched: Option<OsString>,
    pub(crate) seed: Option<u64>,
    pub(crate) finds_races: bool,
    pub(crate) races_meant: Vec<String>,
    pub(crate) is_lazy: bool,
    pub(crate) memory: usize,
    pub(crate) shared: usize,
    pub(crate) most_instructions: u64,
    pub(crate) statistics: bool,
}

pub(crate) fn get() -> &'static Options {
    static OPTIONS: OnceLock<Options> = OnceLock::new();
    OPTIONS.get_or_init(|| {
        let number = |name| {
            env::var(name)
                .ok()
                .and_then(|value| value.parse::<u64>().ok())
        };
        let is_on = |name| env::var_os(name).is_some_and(|value| value == "1");
        Options {
            launched: env::var_os(LAUNCHED).filter(|path| !path.is_empty()),
            seed: number(SEED),
            finds_races: is_on(RACES),
            races_meant: env::var(RACES_MEANT)
                .map(|names| names.split(',').map(str::to_owned).collect())
                .unwrap_or_default(),
            is_lazy: is_on(LAZY),
            memory: number(MEMORY).unwrap_or(4096) as usize * (1 << 20),
            shared: number(SHARED).unwrap_or(164) as usize * (1 << 10),
            most_instructions: number(TIMEOUT).unwrap_or(20) * 1_000_000_000,
            statistics: is_on(STATISTICS),
        }
    })
}
