//! The fingerprint of the sources of `kernels.ptx`: a hash that the file has in its first line. It
//! shows that the file is stale, even where nothing can rebuild it. It is not a cryptographic hash.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Failure, sh};

/// The dependencies that are compiled into the kernels.
const DEPENDENCIES: [&str; 3] = ["bytemuck", "bytemuck_derive", "libm"];

/// The fingerprint of the kernel crate in `folder`, its dependencies, the compiler and `options`.
pub(crate) fn hash(folder: &Path, options: &str) -> Result<u64, Failure> {
    let mut hash = Fnv::new();
    hash.add(options);

    let mut files = vec![folder.join("Cargo.toml")];
    collect(&folder.join("src"), &mut files)?;
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).map_err(sh::io(&file))?;
        let name = file.strip_prefix(folder).unwrap_or(&file);
        hash.add(&name.to_string_lossy().replace('\\', "/"));
        // Git may have changed the line ends.
        hash.add(&text.replace("\r\n", "\n"));
    }

    let file = sh::root().join("Cargo.lock");
    let lock = fs::read_to_string(&file).map_err(sh::io(&file))?;
    for package in packages(&lock, &DEPENDENCIES) {
        hash.add(&package);
    }

    let version = sh::read(sh::command("rustc").arg("-vV"))?;
    for line in version.lines() {
        // Not the host: all hosts give the same PTX.
        if line.starts_with("release:") || line.starts_with("commit-hash:") {
            hash.add(line);
        }
    }
    Ok(hash.0)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in fs::read_dir(folder).map_err(sh::io(folder))? {
        let path = entry.map_err(sh::io(folder))?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// Name, version and checksum of the packages of a `Cargo.lock` that have one of `names`.
fn packages(lock: &str, names: &[&str]) -> Vec<String> {
    lock.replace("\r\n", "\n")
        .split("[[package]]\n")
        .skip(1)
        .map(|block| {
            let field = |key: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(key));
                line.unwrap_or_default()
                    .trim_matches(['=', ' ', '"'])
                    .to_owned()
            };
            (field("name"), field("version"), field("checksum"))
        })
        .filter(|(name, ..)| names.contains(&name.as_str()))
        .map(|(name, version, checksum)| format!("{name} {version} {checksum}"))
        .collect()
}

/// FNV-1a, 64 bits.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a string and its end.
    fn add(&mut self, text: &str) {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_gives_versions() {
        let lock = "version = 4\n\n[[package]]\nname = \"libm\"\nversion = \"0.2.16\"\n\
            checksum = \"ab\"\n\n[[package]]\nname = \"libm2\"\nversion = \"1.0.0\"\n";
        assert_eq!(packages(lock, &["libm"]), ["libm 0.2.16 ab"]);
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        let mut hash = Fnv::new();
        for byte in "foobar".bytes() {
            hash.0 = (hash.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        assert_eq!(hash.0, 0x8594_4171_f739_67e8);
    }

    #[test]
    fn where_a_string_ends_counts() {
        let (mut one, mut two) = (Fnv::new(), Fnv::new());
        ["ab", "c"].iter().for_each(|text| one.add(text));
        ["a", "bc"].iter().for_each(|text| two.add(text));
        assert_ne!(one.0, two.0);
    }
}
