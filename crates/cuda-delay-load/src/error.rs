//! Why the driver library cannot be used.

use std::{
    error::Error,
    fmt,
    path::{Path, PathBuf},
};

/// Why there is no CUDA driver to call: every library that was tried, and what the
/// dynamic loader said of it.
///
/// The text names them all, so that it can be shown to a user as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LoadError {
    attempts: Vec<(PathBuf, String)>,
}

impl LoadError {
    // Targets that link libcuda plainly never fail to load it.
    #[cfg_attr(not(cuda_delay_load), expect(dead_code))]
    pub(crate) fn new(attempts: Vec<(PathBuf, String)>) -> Self {
        Self { attempts }
    }

    /// The libraries that were tried, in order, each with the loader's message.
    pub fn attempts(&self) -> impl ExactSizeIterator<Item = (&Path, &str)> {
        self.attempts
            .iter()
            .map(|(path, message)| (path.as_path(), message.as_str()))
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot load the CUDA driver library (")?;
        for (index, (path, message)) in self.attempts().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            // The loader's messages begin with the path, most of the time.
            let path = path.to_string_lossy();
            if message.starts_with(&*path) {
                f.write_str(message)?;
            } else {
                write!(f, "{path}: {message}")?;
            }
        }
        f.write_str(")")
    }
}

impl Error for LoadError {}
