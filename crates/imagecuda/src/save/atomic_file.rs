//! Files that appear whole or not at all.

use crate::{Result, sink::Sink};
use std::{
    fs::{self, File, Permissions},
    io::{self, BufWriter, Cursor, Write},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Writes a file through `write`, to a temporary file beside it that is renamed at the end. A
/// link is followed, and a file that is there keeps its permissions. What is no regular file
/// (a pipe, a device) is written in place, as it cannot be replaced. Nothing is forced to the
/// disk: a file is whole for whoever opens it, not necessarily after a power cut.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut dyn Sink) -> Result<()>) -> Result<()> {
    let path = follow_links(path)?;
    let existing = match fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return through_temporary(&path, None, write);
        }
        Err(error) => return Err(error.into()),
    };
    let permissions = existing.permissions();
    if existing.is_dir() {
        Err(io::Error::from(io::ErrorKind::IsADirectory).into())
    } else if permissions.readonly() {
        // Renaming would replace it all the same, and root may write to anything.
        let error = io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only");
        Err(error.into())
    } else if existing.is_file() {
        // Whoever may not write the file may not replace it either.
        File::options().write(true).open(&path)?;
        through_temporary(&path, Some(permissions), write)
    } else {
        let mut bytes = Cursor::new(Vec::new());
        write(&mut bytes)?;
        let mut file = File::options().write(true).open(path)?;
        Ok(file.write_all(bytes.get_ref())?)
    }
}

/// Where `path` leads, whether something is there or not.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    // More links than any system follows are a circle.
    for _ in 0..40 {
        match fs::read_link(&path) {
            // An absolute target replaces the whole path.
            Ok(target) => path = path.with_file_name("").join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many links"))
}

fn through_temporary(
    path: &Path,
    permissions: Option<Permissions>,
    write: impl FnOnce(&mut dyn Sink) -> Result<()>,
) -> Result<()> {
    let mut file = create_beside(path)?;
    // Its own errors would name the temporary file, and lose the system's number.
    let mut out = BufWriter::new(file.as_file_mut());
    write(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn create_beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".imagecuda-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new file: the process's umask decides. The default is for secrets.
        builder.permissions(Permissions::from_mode(0o666));
    }
    // The parent of a bare file name is "", which is here.
    match path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        Some(parent) => builder.tempfile_in(parent),
        None => builder.tempfile_in("."),
    }
}
