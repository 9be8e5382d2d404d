use super::*;

/// Room that is not needed goes back, and bytes for which there was none are written too.
#[test]
fn a_file_has_what_was_written_whatever_was_reserved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bin");
    for (reserved, written) in [(8 << 20, 1000), (2 << 20, 3 << 20), (0, 2 << 20), (5, 0)] {
        let bytes: Vec<u8> = (0..written).map(|i: usize| (i % 251) as u8).collect();
        let length = replace(&path, |out| {
            out.reserve(reserved);
            Ok(out.write_all(&bytes)?)
        });
        assert_eq!(length.unwrap(), bytes.len() as u64);
        assert!(std::fs::read(&path).unwrap() == bytes);
        #[cfg(target_os = "linux")]
        {
            use std::os::unix::fs::MetadataExt;
            let on_disk = std::fs::metadata(&path).unwrap().blocks() * 512;
            assert!(on_disk <= bytes.len() as u64 + (1 << 20), "{on_disk}");
        }
    }
}

#[cfg(target_os = "linux")]
mod large {
    use super::*;
    use crate::{Error, parallel::in_pool};
    use std::{
        env, fs,
        os::unix::fs::MetadataExt,
        panic::{AssertUnwindSafe, catch_unwind},
        process::Command,
    };
    use tempfile::TempDir;

    const MB: usize = 1 << 20;

    /// A folder in memory, if there may be one, and one in the folder for temporary files.
    fn folders() -> Vec<TempDir> {
        let in_memory = tempfile::tempdir_in("/dev/shm").ok();
        in_memory.into_iter().chain(tempfile::tempdir()).collect()
    }

    /// Bytes that differ from page to page.
    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i % 251 + i / 4099) as u8).collect()
    }

    fn tries(number: usize) -> impl FnOnce(&mut dyn Sink) -> Result<()> {
        move |out| {
            let (data, more) = (bytes(7 * MB + 13), bytes(2 * MB));
            match number {
                // In one part, with too much room, too little, and none.
                0..3 => {
                    out.expect([12, 2, 0][number] * MB);
                    out.reserve([9, 3, 0][number] * MB);
                    out.write_all(&data)?;
                }
                // As a PNG: small parts between large ones.
                3 => {
                    out.write_all(b"head")?;
                    out.reserve(data.len());
                    let parts = data.chunks(MB).flat_map(|part| [&b"frame"[..], part]);
                    out.write_parts(&parts.collect::<Vec<_>>())?;
                    out.write_all(b"tail")?;
                }
                // Something earlier is written again, large and small.
                4 => {
                    out.write_all(&data)?;
                    out.seek(SeekFrom::Start(70_001))?;
                    out.write_all(&more)?;
                    out.write_all(b"small")?;
                    out.seek(SeekFrom::Start(5))?;
                    out.write_all(b"small")?;
                    assert_eq!(out.stream_position()?, 10);
                    out.seek(SeekFrom::End(-3))?;
                    out.write_all(&more)?;
                }
                // Nothing is written to some bytes.
                5 => {
                    out.seek(SeekFrom::Start(3 * MB as u64 + 1))?;
                    out.write_all(&more)?;
                    out.seek(SeekFrom::Current(200_000))?;
                    out.write_all(&more)?;
                    assert_eq!(out.write(b"end")?, 3);
                }
                // Empty parts, and none.
                _ => {
                    out.write_parts(&[&[], &data, &[], &more, &[]])?;
                    out.write_parts(&[])?;
                    out.write_all(&[])?;
                }
            }
            Ok(())
        }
    }

    #[test]
    fn files_in_memory_and_on_disks_are_the_same() {
        for number in 0..7 {
            let expected = in_memory(tries(number)).unwrap();
            for folder in folders() {
                let path = folder.path().join("a.bin");
                // A new file, and one that is there.
                for _ in 0..2 {
                    let length = in_pool(8, || replace(&path, tries(number)));
                    assert_eq!(length.unwrap(), expected.len() as u64);
                    assert!(fs::read(&path).unwrap() == expected, "{number}, {path:?}");
                    let in_use = fs::metadata(&path).unwrap().blocks() as usize * 512;
                    assert!(in_use <= expected.len() + MB, "{in_use}");
                    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
                }
                let plain = folder.path().join("plain.bin");
                fs::write(&plain, "plain").unwrap();
                let permissions = |path| fs::metadata(path).unwrap().permissions();
                assert_eq!(permissions(&path), permissions(&plain));
            }
        }
    }

    /// Whether the system makes pages of a mapping when asked: Linux does since 5.14.
    fn can_map(folder: &Path) -> bool {
        let mut options = File::options();
        options.read(true).write(true).create(true);
        let file = options.open(folder.join("try")).unwrap();
        let can = mapped::write(&file, 0, &[b"a"]).is_some();
        if !can {
            eprintln!("files are not mapped here, so that is not tested");
        }
        can
    }

    #[test]
    fn bytes_of_a_mapping_are_where_they_belong() {
        for folder in folders() {
            if !can_map(folder.path()) {
                continue;
            }
            for start in [0, 1, 4095, 4096, 65_535, 65_536, 300_001] {
                for length in [1, 4096, 100_000, 256 << 10, (256 << 10) + 1, 3 * MB - 7] {
                    let mut expected = bytes(start + 10);
                    let path = folder.path().join(format!("{start} {length}"));
                    fs::write(&path, &expected).unwrap();
                    let file = File::options().read(true).write(true).open(&path).unwrap();
                    let data = bytes(length);
                    let (first, second) = data.split_at(length / 3);
                    let parts = [first, b"between", second];
                    let mapping = in_pool(8, || mapped::write(&file, start as u64, &parts));
                    assert!(mapping.is_some());
                    let written = parts.concat();
                    expected.resize(expected.len().max(start + written.len()), 0);
                    expected[start..start + written.len()].copy_from_slice(&written);
                    for mapping in [mapping, None] {
                        assert!(fs::read(&path).unwrap() == expected, "{start}, {length}");
                        drop(mapping);
                    }
                }
            }
        }
    }

    #[test]
    fn what_fails_leaves_nothing() {
        for folder in folders() {
            let path = folder.path().join("a.bin");
            for old in [None, Some("old")] {
                if let Some(old) = old {
                    fs::write(&path, old).unwrap();
                }
                for panics in [false, true] {
                    let write = |out: &mut dyn Sink| {
                        out.write_all(&bytes(3 * MB))?;
                        assert!(!panics, "on purpose");
                        Err(Error::encode("on purpose"))
                    };
                    let save = || catch_unwind(AssertUnwindSafe(|| replace(&path, write)));
                    let saved = in_pool(8, save);
                    assert_eq!(saved.is_err(), panics);
                    assert!(!matches!(saved, Ok(Ok(_))));
                    assert_eq!(fs::read(&path).ok().as_deref(), old.map(str::as_bytes));
                    let count = folder.path().read_dir().unwrap().count();
                    assert_eq!(count, usize::from(old.is_some()));
                    let maps = fs::read_to_string("/proc/self/maps").unwrap();
                    assert!(!maps.contains(folder.path().to_str().unwrap()));
                }
            }
        }
    }

    /// In a namespace of its own, so that it may have a small disk.
    #[test]
    fn a_full_disk_in_memory_is_an_error() {
        const FOLDER: &str = "IMAGECUDA_TEST_FULL";
        if let Some(folder) = env::var_os(FOLDER) {
            return in_pool(8, || fills_up(Path::new(&folder)));
        }
        let folder = tempfile::tempdir().unwrap();
        let mounted = |command: &Path, arguments: &[&str]| {
            let script = "mount -t tmpfs -o size=6m none \"$0\" && exec \"$@\"";
            Command::new("unshare")
                .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
                .arg(folder.path())
                .arg(command)
                .args(arguments)
                .env(FOLDER, folder.path())
                .output()
        };
        if !mounted(Path::new("true"), &[]).is_ok_and(|output| output.status.success()) {
            eprintln!("no small disk can be mounted, so a full one is not tested");
            return;
        }
        let name = "save::atomic_file::tests::large::a_full_disk_in_memory_is_an_error";
        let output = mounted(&env::current_exe().unwrap(), &["--exact", name]).unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        // One that filters everything out succeeds as well.
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{}: {text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn fills_up(folder: &Path) {
        if can_map(folder) {
            // More than there is, of which the system only knows when it is asked for the pages.
            let path = folder.join("try");
            let file = File::options().read(true).write(true).open(path).unwrap();
            assert!(mapped::write(&file, 0, &[&bytes(8 * MB)]).is_none());
            file.set_len(0).unwrap();
        }
        let path = folder.join("a.bin");
        let save = |reserved: usize, length: usize| {
            replace(&path, |out| {
                out.reserve(reserved);
                Ok(out.write_all(&bytes(length))?)
            })
        };
        save(0, 3 * MB).unwrap();
        for reserved in [0, 2 * MB, 4 * MB, 8 * MB] {
            let error = save(reserved, 4 * MB).unwrap_err();
            let crate::ErrorKind::Io(io) = error.kind() else {
                panic!("{error}")
            };
            assert_eq!(io.kind(), io::ErrorKind::StorageFull);
            assert!(fs::read(&path).unwrap() == bytes(3 * MB));
        }
        // Room that is not needed was given back.
        save(5 * MB / 2, 5 * MB / 2).unwrap();
        save(3 * MB, 3 * MB).unwrap();
        assert!(fs::read(&path).unwrap() == bytes(3 * MB));
        let names = folder
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        assert!(
            names
                .into_iter()
                .all(|name| name == "a.bin" || name == "try")
        );
    }
}
