//! Which files there are, and what each is saved as.

use imagecuda::Format;
use std::{
    collections::HashSet,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

/// The pictures in `folder` that this build reads, known by their names, relative to it and
/// sorted, so that every machine has the same list. Hidden files, and all that is in `except`,
/// are left out.
pub(crate) fn list(folder: &Path, is_recursive: bool, except: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        let here = folder.join(&inner);
        for entry in fs::read_dir(&here).map_err(|error| named(&here, &error))? {
            let entry = entry.map_err(|error| named(&here, &error))?;
            let (path, name) = (entry.path(), inner.join(entry.file_name()));
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if is_hidden {
                continue;
            }
            // Links to folders are not followed: they may lead round in circles.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if is_recursive && path.canonicalize().is_ok_and(|path| path != except) {
                    folders.push(name);
                }
            } else if Format::from_path(&name).is_some_and(Format::can_load) && path.is_file() {
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

/// What each source is saved as, relative to the output folder: its own name with the extension
/// of the new format. Where an earlier source has that name, as `a.jpg` has `a.webp` before
/// `a.png`, it is `a.png.webp`.
pub(crate) fn targets(sources: &[PathBuf], extension: Option<&str>) -> Vec<PathBuf> {
    let mut taken = HashSet::new();
    let mut is_free = |path: &Path| {
        // As file systems that do not tell cases apart see it.
        taken.insert(path.to_string_lossy().to_lowercase())
    };
    let target = |source: &PathBuf| {
        let extension = extension.map_or_else(|| own_extension(source), OsString::from);
        let short = source.with_extension(&extension);
        if is_free(&short) {
            return short;
        }
        let mut counter = 1;
        loop {
            let mut name = source.clone().into_os_string();
            if counter > 1 {
                name.push(format!(".{counter}"));
            }
            name.push(".");
            name.push(&extension);
            let long = PathBuf::from(name);
            if is_free(&long) {
                return long;
            }
            counter += 1;
        }
    };
    sources.iter().map(target).collect()
}

fn own_extension(source: &Path) -> OsString {
    let extension = source.extension().unwrap_or_default();
    match extension.to_ascii_lowercase().to_str() {
        // All of that family are read, and only some written.
        Some("pgm" | "pbm" | "pfm") => "ppm".into(),
        _ => extension.to_owned(),
    }
}
