//! Which pictures there are.

use imagecuda::Format;
use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// What is in a folder, relative to it.
#[derive(Default)]
pub(crate) struct Listing {
    pub(crate) pictures: Vec<PathBuf>,
    pub(crate) left_out: Vec<(PathBuf, Why)>,
}

/// Why a file is no picture to be loaded.
pub(crate) enum Why {
    Unnamed,
    Unwanted(Format),
    NoFile,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unnamed => f.write_str("its name shows no picture format"),
            Self::Unwanted(format) => write!(f, "this build cannot load {format}"),
            Self::NoFile => f.write_str("it is no file, and leads to none"),
        }
    }
}

impl Listing {
    /// How many files are left out, by their extensions: one line. `None` if there are none.
    pub(crate) fn left_out(&self) -> Option<String> {
        let mut counts = BTreeMap::new();
        for (name, _) in &self.left_out {
            let extension = name.extension().map(|e| format!(".{}", e.display()));
            let extension = extension.unwrap_or_else(|| "without an extension".into());
            *counts.entry(extension.to_lowercase()).or_insert(0) += 1;
        }
        let parts = counts.iter().map(|(name, count)| format!("{count} {name}"));
        let parts: Vec<String> = parts.collect();
        let (count, parts) = (self.left_out.len(), parts.join(", "));
        (count > 0).then(|| format!("left out {count} that are no pictures to load: {parts}"))
    }
}

/// The pictures in `folder` whose formats are wanted, known by their names, sorted, so that every
/// machine has the same list; and what else is there. Hidden files, and all that is in `except`,
/// are neither.
pub(crate) fn list(
    folder: &Path,
    is_recursive: bool,
    except: Option<&Path>,
    is_wanted: impl Fn(Format) -> bool,
) -> io::Result<Listing> {
    let mut found = Listing::default();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        // As components, without the slash that joining nothing leaves at the end.
        let here: PathBuf = folder.join(&inner).components().collect();
        for entry in fs::read_dir(&here).map_err(|error| named(&here, &error))? {
            let entry = entry.map_err(|error| named(&here, &error))?;
            let (path, name) = (entry.path(), inner.join(entry.file_name()));
            if is_hidden(&entry) {
                continue;
            }
            // Links to folders are not followed: they may lead round in circles.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let is_other = |path: PathBuf| Some(&*path) != except;
                if is_recursive && path.canonicalize().is_ok_and(is_other) {
                    folders.push(name);
                }
                continue;
            }
            let why = match Format::from_path(&name) {
                None => Why::Unnamed,
                Some(_) if !path.is_file() => Why::NoFile,
                Some(format) if !is_wanted(format) => Why::Unwanted(format),
                Some(_) => {
                    found.pictures.push(name);
                    continue;
                }
            };
            found.left_out.push((name, why));
        }
    }
    found.pictures.sort();
    found.left_out.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}

/// By its name, or as Windows has it, which so hides the covers that it puts into folders of music.
fn is_hidden(entry: &fs::DirEntry) -> bool {
    #[cfg(windows)]
    {
        const HIDDEN: u32 = 2;
        use std::os::windows::fs::MetadataExt;
        let attributes = entry.metadata().map(|data| data.file_attributes());
        if attributes.is_ok_and(|attributes| attributes & HIDDEN != 0) {
            return true;
        }
    }
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
