//! Which pictures there are.

use imagecuda::Format;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The pictures in `folder` whose formats are wanted, known by their names, relative to it and
/// sorted, so that every machine has the same list. Hidden files, and all that is in `except`,
/// are left out.
pub(crate) fn list(
    folder: &Path,
    is_recursive: bool,
    except: Option<&Path>,
    is_wanted: impl Fn(Format) -> bool,
) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        // As components, without the slash that joining nothing leaves at the end.
        let here: PathBuf = folder.join(&inner).components().collect();
        for entry in fs::read_dir(&here).map_err(|error| named(&here, &error))? {
            let entry = entry.map_err(|error| named(&here, &error))?;
            let (path, name) = (entry.path(), inner.join(entry.file_name()));
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if is_hidden {
                continue;
            }
            // Links to folders are not followed: they may lead round in circles.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let is_other = |path: PathBuf| Some(&*path) != except;
                if is_recursive && path.canonicalize().is_ok_and(is_other) {
                    folders.push(name);
                }
            } else if Format::from_path(&name).is_some_and(&is_wanted) && path.is_file() {
                found.push(name);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
