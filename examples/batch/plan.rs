//! What each file is saved as.

use std::{
    collections::HashSet,
    ffi::OsString,
    path::{Path, PathBuf},
};

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
