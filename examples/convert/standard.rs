//! Standard input and output in the place of files: `-`.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

pub(crate) fn is_dash(path: &Path) -> bool {
    path == Path::new("-")
}

/// More bytes than the library takes by default.
const TOO_MANY: u64 = (1 << 31) + 1;

/// All of standard input.
pub(crate) fn read() -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = io::stdin().take(TOO_MANY).read_to_end(&mut bytes);
    read.map_err(|error| format!("standard input: {error}"))?;
    Ok(bytes)
}

pub(crate) fn write(bytes: &[u8]) -> Result<(), String> {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|error| format!("standard output: {error}"))
}

/// Whether a picture that is saved there goes to standard output, where nothing else may go then.
pub(crate) fn is_output(path: &Path) -> bool {
    let mut path = path.to_owned();
    // More links than any system follows are a circle.
    for _ in 0..40 {
        let names = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
        if names.iter().any(|name| path == Path::new(name)) {
            return true;
        }
        match fs::read_link(&path) {
            Ok(target) => path = path.with_file_name("").join(target),
            Err(_) => return false,
        }
    }
    false
}
