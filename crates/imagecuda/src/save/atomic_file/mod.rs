//! Files that appear whole or not at all.

mod attributes;
mod target;

use self::target::{Target, folder, in_folder};
use crate::{Result, sink::Sink};
use std::{
    fs::File,
    io::{self, BufWriter, Cursor, Read, Seek, SeekFrom, Write},
    path::Path,
};
use tempfile::NamedTempFile;

/// Writes a file through `write`, to a temporary file beside it that is renamed at the end, and
/// says how many bytes it has. Nothing is forced to the disk: a file is whole for whoever opens it,
/// not necessarily after a power cut.
///
/// A link is followed and stays one. A file that is there keeps its owner, its permissions and its
/// attributes as far as the system lets it. If its folder takes no new file, it is written over in
/// place. What is no regular file (a pipe, a device, an open file of a process) is written to, as
/// it cannot be replaced.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut dyn Sink) -> Result<()>) -> Result<u64> {
    match Target::of(path)? {
        Target::New(path) => {
            let mut file = beside(&path, 0o666).map_err(|error| in_folder(&path, &error))?;
            let length = fill(&mut file, write)?;
            let named = file.persist(&path);
            named.map_err(|error| in_folder(&path, &error.error))?;
            Ok(length)
        }
        Target::File(path, _) => over(&path, write),
        Target::Stream(stream) => {
            let bytes = in_memory(write)?;
            stream.open()?.write_all(&bytes)?;
            Ok(bytes.len() as u64)
        }
    }
}

/// Whether a file is there that has been saved: it is not empty. What is only written to has
/// never been.
pub(crate) fn is_there(path: &Path) -> bool {
    matches!(Target::of(path), Ok(Target::File(_, metadata)) if metadata.len() > 0)
}

/// Replaces the regular file at `path`.
fn over(path: &Path, write: impl FnOnce(&mut dyn Sink) -> Result<()>) -> Result<u64> {
    // Whoever may not write the file may not replace it either.
    let old = File::options().write(true).open(path)?;
    // Nobody else is to read what will be secret.
    let mut file = match beside(path, 0o600) {
        Ok(file) => file,
        Err(error) if needs_no_folder(&error) => {
            let bytes = in_memory(write)?;
            overwrite(&old, &bytes)?;
            return Ok(bytes.len() as u64);
        }
        Err(error) => return Err(in_folder(path, &error).into()),
    };
    let length = fill(&mut file, write)?;
    attributes::keep(&old, file.as_file());
    drop(old); // or some systems would not let it be replaced
    let Err(error) = file.persist(path) else {
        return Ok(length);
    };
    let (error, mut file) = (error.error, error.file);
    if !needs_no_folder(&error) {
        return Err(in_folder(path, &error).into());
    }
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    overwrite(&File::options().write(true).open(path)?, &bytes)?;
    Ok(length)
}

/// Whether a file that may be written can be, though it cannot be replaced: its folder may not be
/// changed, is sticky and the file another's, or the file is a mount.
fn needs_no_folder(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    matches!(
        error.kind(),
        PermissionDenied | ReadOnlyFilesystem | ResourceBusy | CrossesDevices
    )
}

/// Writes over a file that is there. What it grows by goes first: on a full disk it stays as it was.
fn overwrite(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    let old = file.metadata()?.len();
    let here = bytes.len().min(usize::try_from(old).unwrap_or(usize::MAX));
    let (here, beyond) = bytes.split_at(here);
    file.seek(SeekFrom::Start(here.len() as u64))?;
    if let Err(error) = file.write_all(beyond) {
        let _ = file.set_len(old);
        return Err(error);
    }
    file.rewind()?;
    file.write_all(here)?;
    file.set_len(bytes.len() as u64)
}

fn in_memory(write: impl FnOnce(&mut dyn Sink) -> Result<()>) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    write(&mut bytes)?;
    Ok(bytes.into_inner())
}

/// Writes all of the temporary file. How long it is.
fn fill(file: &mut NamedTempFile, write: impl FnOnce(&mut dyn Sink) -> Result<()>) -> Result<u64> {
    // Its own errors would name the temporary file, and lose the system's number.
    let mut out = BufWriter::new(file.as_file_mut());
    write(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(file.as_file().metadata()?.len())
}

/// A temporary file beside the one at `path`. The process's umask takes away of `mode`, which means
/// nothing on other systems than Unix.
fn beside(path: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let _ = mode;
    // Opened here, so that an error is the system's.
    let mut builder = tempfile::Builder::new();
    builder.prefix(".imagecuda-");
    builder.make_in(folder(path), |hidden| options.open(hidden))
}
