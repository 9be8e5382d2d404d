//! Copies the attributes of a file to its replacement.

use std::fs::File;

/// Gives `new` the owner, the group, the permissions and the extended attributes of `old`, as far
/// as the system allows. `new` is never open to anyone to whom `old` was not.
#[cfg(unix)]
pub(super) fn keep(old: &File, new: &File) {
    use std::{
        fs::Permissions,
        os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    };
    let (Ok(was), Ok(is)) = (old.metadata(), new.metadata()) else {
        return; // only its owner can access it
    };
    let (owner, group) = (was.uid(), was.gid());
    if (is.uid(), is.gid()) != (owner, group) && fchown(new, Some(owner), Some(group)).is_err() {
        // Only root may change the owner. A user may change the group to one of their own groups.
        let _ = fchown(new, None, Some(group));
    }
    // Drop the set-user-ID bits: a picture never runs as a program.
    let mut mode = was.mode() & 0o777;
    let has_its_group = new.metadata().is_ok_and(|is| is.gid() == group);
    if !copy_attributes(old, new) || !has_its_group {
        // The permissions of the group, and what an access control list gave to others, must not
        // apply to another group.
        mode &= 0o707 | (mode & 0o007) << 3;
    }
    let _ = new.set_permissions(Permissions::from_mode(mode));
}

#[cfg(not(unix))]
pub(super) fn keep(old: &File, new: &File) {
    if let Ok(was) = old.metadata() {
        let _ = new.set_permissions(was.permissions());
    }
}

/// Copies the user's extended attributes and the access control list. Returns whether the list is
/// now the same.
#[cfg(target_os = "linux")]
fn copy_attributes(old: &File, new: &File) -> bool {
    use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
    const ACCESS_LIST: &[u8] = b"system.posix_acl_access";
    // The maximum sizes of a list of names and of a value.
    let (mut names, mut value) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    // Some file systems have no extended attributes.
    let length = flistxattr(old, &mut names[..]).unwrap_or(0);
    let names = names[..length].split(|&byte| byte == 0);
    let mut is_same = true;
    // The folder may have given the new file a default list.
    let _ = fremovexattr(new, ACCESS_LIST);
    for name in names.filter(|&name| name.starts_with(b"user.") || name == ACCESS_LIST) {
        let copied = fgetxattr(old, name, &mut value[..])
            .and_then(|length| fsetxattr(new, name, &value[..length], XattrFlags::empty()));
        is_same &= copied.is_ok() || name != ACCESS_LIST;
    }
    is_same
}

#[cfg(all(unix, not(target_os = "linux")))]
fn copy_attributes(_: &File, _: &File) -> bool {
    true
}
