//! Files that are saved over: what they keep, and folders that are in the way.

use super::files::{encoded, image, io_error};
use crate::support::{alone_through, is_one_pixel_too_wide, pictures::folder};
use imagecuda::{Device, Format, ImageU8, SaveOptions};
use libtest_mimic::Trial;
use rustix::fs::{XattrFlags, getxattr, setxattr};
use std::{
    env, fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        permissions_and_owner_are_kept,
        attributes_and_access_lists_are_kept,
        another_hard_link_keeps_the_old_picture,
        links_lead_to_their_target_however_many,
        errors_name_the_folder_that_is_in_the_way,
        names_are_as_long_as_a_system_takes,
        a_file_is_saved_over_where_its_folder_takes_no_other,
    ])
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn permissions_and_owner_are_kept(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.bmp");
    let image = image(device, 40);
    for bits in [0o600, 0o640, 0o604, 0o666, 0o755, 0o222] {
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(bits)).unwrap();
        imagecuda::save(&image, &path).unwrap();
        assert_eq!(mode(&path), bits);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(fs::read(&path).unwrap() == encoded(&image));
    }
    // What is there to be read, and not to be run as somebody.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o6755)).unwrap();
    imagecuda::save(&image, &path).unwrap();
    assert_eq!(mode(&path), 0o755);
    if !is_root() {
        eprintln!("only root gives files to others: owners are not tested");
        return;
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    chown(&path, Some(12_345), Some(54_321)).unwrap();
    imagecuda::save(&image, &path).unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (12_345, 54_321));
    assert_eq!(mode(&path), 0o640);
}

/// An access list: the owner may write, user 12345 read, nobody else anything.
fn access_list() -> Vec<u8> {
    let entry = |tag: u16, permissions: u16, id: u32| {
        let halves = [tag, permissions].map(u16::to_le_bytes);
        [halves[0].as_slice(), &halves[1], &id.to_le_bytes()].concat()
    };
    let none = u32::MAX;
    [
        2u32.to_le_bytes().to_vec(), // the version
        entry(1, 6, none),
        entry(2, 4, 12_345),
        entry(4, 0, none),
        entry(16, 4, none),
        entry(32, 0, none),
    ]
    .concat()
}

fn attributes_and_access_lists_are_kept(device: &Device) {
    const LIST: &str = "system.posix_acl_access";
    let folder = folder();
    let path = folder.path().join("a.bmp");
    let image = image(device, 40);
    fs::write(&path, "old").unwrap();
    let get = |name: &str| {
        let mut value = vec![0; 1000];
        let length = getxattr(&path, name, &mut value[..]).ok()?;
        Some(value[..length].to_vec())
    };
    let set = |name: &str, value: &[u8]| {
        let result = setxattr(&path, name, value, XattrFlags::empty());
        if let Err(error) = result {
            eprintln!("{name} is not tested: {error}");
        }
        result.is_ok()
    };
    let has_note = set("user.note", b"of the beach");
    let has_list = set(LIST, &access_list());
    imagecuda::save(&image, &path).unwrap();
    assert!(fs::read(&path).unwrap() == encoded(&image));
    if has_note {
        assert_eq!(get("user.note").unwrap(), b"of the beach");
    }
    if has_list {
        assert_eq!(get(LIST).unwrap(), access_list());
        assert_eq!(mode(&path), 0o640);
    }
    // The folder's own list is for new files, not for those that are there.
    let no_list = rustix::fs::removexattr(&path, LIST).is_ok();
    let default = "system.posix_acl_default";
    let is_default = setxattr(folder.path(), default, &access_list(), XattrFlags::empty());
    if no_list && is_default.is_ok() {
        imagecuda::save(&image, &path).unwrap();
        assert_eq!(get(LIST), None);
    }
}

fn another_hard_link_keeps_the_old_picture(device: &Device) {
    let folder = folder();
    let [path, other] = ["a.bmp", "b.bmp"].map(|name| folder.path().join(name));
    let [old, new] = [20, 40].map(|width| image(device, width));
    imagecuda::save(&old, &path).unwrap();
    fs::hard_link(&path, &other).unwrap();
    imagecuda::save(&new, &path).unwrap();
    assert!(fs::read(&path).unwrap() == encoded(&new));
    assert!(fs::read(&other).unwrap() == encoded(&old));
}

fn links_lead_to_their_target_however_many(device: &Device) {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("deep/er")).unwrap();
    symlink("deep/er", at("short")).unwrap();
    // Through a folder that is a link itself, from which ".." leads elsewhere.
    symlink("../target.bmp", at("deep/er/one.bmp")).unwrap();
    symlink("short/one.bmp", at("two.bmp")).unwrap();
    symlink(at("two.bmp"), at("three.bmp")).unwrap();
    for width in [20, 40] {
        let image = image(device, width);
        imagecuda::save(&image, at("three.bmp")).unwrap();
        assert!(fs::read(at("deep/target.bmp")).unwrap() == encoded(&image));
    }
    for link in ["deep/er/one.bmp", "two.bmp", "three.bmp"] {
        assert!(
            fs::symlink_metadata(at(link)).unwrap().is_symlink(),
            "{link}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    assert_eq!(fs::read_dir(at("deep")).unwrap().count(), 2);
}

fn errors_name_the_folder_that_is_in_the_way(device: &Device) {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let image = image(device, 40);
    let says = |name: &str| format!("the folder {} does not exist", at(name).display());

    let missing = at("no/such/a.bmp");
    let result = imagecuda::save(&image, &missing);
    io_error(
        &result.unwrap_err(),
        &missing,
        io::ErrorKind::NotFound,
        &says("no/such"),
    );
    let link = at("link.bmp");
    symlink("gone/a.bmp", &link).unwrap();
    let result = imagecuda::save(&image, &link);
    io_error(
        &result.unwrap_err(),
        &link,
        io::ErrorKind::NotFound,
        &says("gone"),
    );
    fs::write(at("file"), "").unwrap();
    let inside = at("file/a.bmp");
    let text = format!("{} is not a folder", at("file").display());
    let result = imagecuda::save(&image, &inside);
    io_error(
        &result.unwrap_err(),
        &inside,
        io::ErrorKind::NotADirectory,
        &text,
    );
    let target = at("folder.bmp");
    fs::create_dir(&target).unwrap();
    let result = imagecuda::save(&image, &target);
    io_error(
        &result.unwrap_err(),
        &target,
        io::ErrorKind::IsADirectory,
        "directory",
    );

    let mut animation = SaveOptions::new().animation(Format::Gif).unwrap();
    animation.push(&image, std::time::Duration::ZERO).unwrap();
    let missing = at("no/a.gif");
    let result = animation.save(&missing);
    io_error(
        &result.unwrap_err(),
        &missing,
        io::ErrorKind::NotFound,
        &says("no"),
    );
    let saver = imagecuda::batch::Saver::new(SaveOptions::new());
    saver.save(&image, &missing);
    let result = saver.finish().remove(0).result.map(drop);
    io_error(
        &result.unwrap_err(),
        &missing,
        io::ErrorKind::NotFound,
        &says("no"),
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

fn names_are_as_long_as_a_system_takes(device: &Device) {
    let folder = folder();
    let image = image(device, 40);
    let name = |length: usize| folder.path().join("n".repeat(length - 4) + ".bmp");
    for _ in 0..2 {
        imagecuda::save(&image, name(255)).unwrap();
    }
    assert!(fs::read(name(255)).unwrap() == encoded(&image));
    let long = name(256);
    let result = imagecuda::save(&image, &long);
    io_error(
        &result.unwrap_err(),
        &long,
        io::ErrorKind::InvalidFilename,
        "too long",
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// In a program of its own, of a user to whom permissions mean something, and whose files may have
/// 20 KB, or 40 by another shell's count.
fn a_file_is_saved_over_where_its_folder_takes_no_other(device: &Device) {
    const FOLDER: &str = "IMAGECUDA_TEST_OF_ANOTHER";
    let name = "save::overwriting::a_file_is_saved_over_where_its_folder_takes_no_other";
    let root = folder();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if let Some(of_another) = env::var_os(FOLDER) {
        in_a_read_only_folder(device, root.path());
        if is_root_s(Path::new(&of_another)) {
            in_a_sticky_folder(device, Path::new(&of_another));
        }
        return;
    }
    // A file that anybody may write, in a folder where each may only replace their own.
    let sticky = root.path().join("sticky");
    fs::create_dir(&sticky).unwrap();
    for name in ["a.bmp", "small.bmp"] {
        fs::write(sticky.join(name), vec![b'o'; 9000]).unwrap();
        let all = fs::Permissions::from_mode(0o666);
        fs::set_permissions(sticky.join(name), all).unwrap();
    }
    fs::set_permissions(&sticky, fs::Permissions::from_mode(0o1777)).unwrap();
    // Whoever runs the tests may keep temporary files where no other writes.
    let temporary = root.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o1777)).unwrap();
    let [variable, temporary] = [(FOLDER, &sticky), ("TMPDIR", &temporary)]
        .map(|(name, path)| format!("{name}={}", path.display()));
    let limited = "trap '' XFSZ && ulimit -f 40 && exec \"$@\"";
    let mut words = vec!["env", &variable, &temporary];
    if is_root() {
        words.extend([
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ]);
        let mut as_nobody = Command::new(words[0]);
        let can = "test -x \"$1\" && test -w \"$TMPDIR\"";
        as_nobody.args(&words[1..]).args(["sh", "-c", can, "sh"]);
        let tests = env::current_exe().unwrap();
        if !as_nobody.arg(tests).status().is_ok_and(|s| s.success()) {
            eprintln!("root may write everywhere, and cannot be another here: not tested");
            return;
        }
    }
    words.extend(["sh", "-c", limited, "sh"]);
    alone_through(&words, name, device);
}

fn is_root_s(path: &Path) -> bool {
    fs::metadata(path).unwrap().uid() == 0
}

/// Saves over a file in place: longer and shorter, and too long.
fn saves_in_place(device: &Device, path: &Path) {
    let inode = fs::metadata(path).unwrap().ino();
    for width in [40, 20, 60] {
        let image = image(device, width);
        imagecuda::save(&image, path).unwrap();
        assert!(fs::read(path).unwrap() == encoded(&image), "{width}");
    }
    let old = fs::read(path).unwrap();
    let result = imagecuda::save(&image(device, 600), path);
    io_error(
        &result.unwrap_err(),
        path,
        io::ErrorKind::FileTooLarge,
        "large",
    );
    let wide = ImageU8::new(device, 65_536, 1).unwrap();
    let jpeg = SaveOptions::new().format(Format::Jpeg);
    let error = jpeg.save_u8(&wide, path).unwrap_err();
    is_one_pixel_too_wide(&error);
    assert!(fs::read(path).unwrap() == old, "not as it was");
    assert_eq!(fs::metadata(path).unwrap().ino(), inode, "not in place");
}

fn in_a_read_only_folder(device: &Device, root: &Path) {
    let folder = root.join("read-only");
    fs::create_dir(&folder).unwrap();
    let [path, new]: [PathBuf; 2] = ["a.bmp", "new.bmp"].map(|name| folder.join(name));
    fs::write(&path, vec![b'o'; 9000]).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    saves_in_place(device, &path);
    let says = format!("no file can be made in the folder {}: ", folder.display());
    let result = imagecuda::save(&image(device, 40), &new);
    io_error(
        &result.unwrap_err(),
        &new,
        io::ErrorKind::PermissionDenied,
        &says,
    );
    assert!(!new.exists());
    // What may not be written is not, either.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let result = imagecuda::save(&image(device, 40), &path);
    io_error(
        &result.unwrap_err(),
        &path,
        io::ErrorKind::PermissionDenied,
        "read-only",
    );
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
}

fn in_a_sticky_folder(device: &Device, folder: &Path) {
    saves_in_place(device, &folder.join("a.bmp"));
    // Its own files are replaced as anywhere, and nothing is left of those that could not be.
    let own = folder.join("own.bmp");
    imagecuda::save(&image(device, 40), &own).unwrap();
    let inode = fs::metadata(&own).unwrap().ino();
    imagecuda::save(&image(device, 20), &own).unwrap();
    assert_ne!(fs::metadata(&own).unwrap().ino(), inode);
    assert_eq!(fs::read_dir(folder).unwrap().count(), 3);
}
