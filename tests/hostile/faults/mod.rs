//! What fails from outside: memory, disks, files, devices and drivers. Nothing may be lost or
//! left behind, and what comes next must work.

mod disk;
#[cfg(feature = "cuda")]
pub(crate) mod driver;
mod memory;
#[cfg(feature = "cuda")]
#[allow(unsafe_code, reason = "a kernel of the test's own")]
mod poisoned;
mod reading;

use libtest_mimic::Trial;
use std::{collections::BTreeSet, fs, path::Path};

pub(crate) fn trials() -> Vec<Trial> {
    [
        disk::trials(),
        #[cfg(feature = "cuda")]
        driver::trials(),
        memory::trials(),
        #[cfg(feature = "cuda")]
        poisoned::trials(),
        reading::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The names of all that is in a folder, hidden files too.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect()
}
