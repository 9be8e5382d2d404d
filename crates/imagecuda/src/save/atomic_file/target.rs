//! Finds out what exists at the path of a file to save.

use crate::paths;
use std::{
    fs::{self, File, Metadata},
    io,
    path::{Path, PathBuf},
};

/// What exists at a path.
pub(super) enum Target {
    /// Nothing. The path has all links resolved.
    New(PathBuf),
    /// A regular file, which may be replaced.
    File(PathBuf, Metadata),
    /// A file that can only be written to.
    Stream(Stream),
}

impl Target {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let path = follow_links(path)?;
        paths::check(&path)?;
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_of_processes(&path) => {
                return Ok(Self::New(path));
            }
            Err(error) => return Err(in_folder(&path, &error)),
        };
        if metadata.is_dir() {
            Err(io::ErrorKind::IsADirectory.into())
        } else if !metadata.is_file() || is_of_processes(&path) {
            Ok(Self::Stream(Stream(path)))
        } else if metadata.permissions().readonly() {
            // Renaming would replace a read-only file, and root may write to any file.
            let error = io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only");
            Err(error)
        } else {
            Ok(Self::File(path, metadata))
        }
    }
}

/// Follows symbolic links, even to a path that does not exist. A link to an open file of a process
/// is not followed, because its text may be an outdated name.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    // More links than any system follows form a circle.
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(_) if is_of_processes(&path) => return Ok(path),
            // If the target of the link is absolute, `join` takes it alone.
            Ok(target) => path = path.with_file_name("").join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many links"))
}

/// Whether `path` is in a folder where the system lists the open files of processes. `/dev/stdout`
/// links to `/proc/self/fd/1`, for example.
#[cfg(target_os = "linux")]
fn is_of_processes(path: &Path) -> bool {
    use rustix::fs::{PROC_SUPER_MAGIC, statfs};
    statfs(folder(path)).is_ok_and(|system| system.f_type == PROC_SUPER_MAGIC)
}

#[cfg(windows)]
fn is_of_processes(_: &Path) -> bool {
    false
}

#[cfg(not(any(target_os = "linux", windows)))]
fn is_of_processes(path: &Path) -> bool {
    folder(path)
        .canonicalize()
        .is_ok_and(|folder| folder == Path::new("/dev/fd"))
}

/// A pipe, a device, or an open file of a process.
pub(super) struct Stream(PathBuf);

impl Stream {
    /// Opens the file for appending. Opening a pipe waits until a reader has opened it. If a
    /// process has the file open (a shell with `>> file`, for example), the data go after the
    /// existing content.
    pub(super) fn open(&self) -> io::Result<File> {
        let Self(path) = self;
        match own_descriptor(path) {
            #[cfg(unix)]
            Some(number @ 0..=2) => own(number),
            _ => File::options().append(true).open(path),
        }
    }
}

/// The number of this process's open file that `path` names, if any.
fn own_descriptor(path: &Path) -> Option<u32> {
    let number = path.file_name()?.to_str()?.parse().ok()?;
    let folder = folder(path).canonicalize().ok()?;
    ["/proc/self/fd", "/proc/thread-self/fd", "/dev/fd"]
        .into_iter()
        .any(|own| Path::new(own).canonicalize().is_ok_and(|own| own == folder))
        .then_some(number)
}

/// Duplicates a file that this process has open. This keeps the position in the file, which opening
/// it again would not.
#[cfg(unix)]
fn own(number: u32) -> io::Result<File> {
    use std::{
        io::Write,
        os::fd::{AsFd, BorrowedFd},
    };
    let duplicate = |of: BorrowedFd<'_>| of.try_clone_to_owned().map(File::from);
    match number {
        0 => duplicate(io::stdin().as_fd()),
        1 => {
            // Earlier output of the process comes first.
            io::stdout().flush()?;
            duplicate(io::stdout().as_fd())
        }
        _ => duplicate(io::stderr().as_fd()),
    }
}

/// The folder of a file. A name without a folder is in the current one.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Replaces an error of the file at `path` by one that says what is wrong with its folder, if
/// something is. The name of the temporary file does not help the user.
pub(super) fn in_folder(path: &Path, error: &io::Error) -> io::Error {
    let folder = folder(path);
    let shown = folder.display();
    let says = |text: String| io::Error::new(error.kind(), text);
    match folder.metadata() {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
            return says(format!("the folder {shown} does not exist"));
        }
        Ok(metadata) if !metadata.is_dir() => return says(format!("{shown} is not a folder")),
        _ => {}
    }
    match (error.kind(), error.raw_os_error()) {
        (io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem, _) => says(format!(
            "no file can be made in the folder {shown}: {error}"
        )),
        (_, Some(number)) => io::Error::from_raw_os_error(number),
        _ => says(error.to_string()),
    }
}
