//! The finished PTX, and the checks that a driver would otherwise make.

use std::path::{Path, PathBuf};

use crate::Error;

/// What the CUDA driver itself defines for device code.
const FROM_THE_DRIVER: [&str; 4] = ["__assertfail", "free", "malloc", "vprintf"];

/// A compiled kernel crate.
#[derive(Clone, Debug)]
pub struct Ptx {
    pub(crate) text: String,
    pub(crate) path: PathBuf,
    pub(crate) warnings: String,
}

impl Ptx {
    /// The PTX itself.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it was written: the file that `copy_to` named, else one in the target folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the compiler warned about, formatted; empty if nothing.
    pub fn warnings(&self) -> &str {
        &self.warnings
    }

    /// The names of the kernels, in the order of the file.
    pub fn entries(&self) -> Vec<&str> {
        entries(&self.text)
    }
}

fn entries(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.split_once(".entry ").map(|(_, rest)| rest))
        .map(|rest| rest.split('(').next().unwrap_or(rest).trim())
        .collect()
}

/// Functions that are declared external and that the driver does not have.
fn unresolved(text: &str) -> Vec<String> {
    let mut names: Vec<String> = text
        .match_indices(".extern .func")
        .filter_map(|(at, marker)| {
            let mut rest = text[at + marker.len()..].trim_start();
            // `.extern .func (.param .b32 func_retval0) name`: the result comes first.
            if let Some(after) = rest.strip_prefix('(') {
                rest = after.split_once(')')?.1.trim_start();
            }
            let end = rest.find(|c: char| c == '(' || c == ';' || c.is_whitespace())?;
            Some(rest[..end].to_owned())
        })
        .filter(|name| !FROM_THE_DRIVER.contains(&name.as_str()))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Checks that `text` is a module for `arch` (and `isa`, if one was asked for) that a driver
/// can load by itself.
pub(crate) fn check(text: &str, arch: &str, isa: Option<(u32, u32)>) -> Result<(), Error> {
    let line = |directive: &str| {
        text.lines()
            .find(|line| line.starts_with(directive))
            .unwrap_or("(nothing)")
            .to_owned()
    };
    let target = line(".target");
    let names_arch = target
        .trim_start_matches(".target")
        .split(',')
        .any(|item| item.trim() == arch);
    if !names_arch {
        return Err(Error::WrongTarget {
            asked: arch.to_owned(),
            found: target,
        });
    }
    if let Some((major, minor)) = isa {
        let asked = format!(".version {major}.{minor}");
        let found = line(".version");
        if found.trim() != asked {
            return Err(Error::WrongTarget { asked, found });
        }
    }
    let symbols = unresolved(text);
    if !symbols.is_empty() {
        return Err(Error::Unresolved { symbols });
    }
    if entries(text).is_empty() {
        return Err(Error::NoEntries);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "//\n.version 6.0\n.target sm_52\n.address_size 64\n\n\
        .extern .func  (.param .b32 func_retval0) vprintf\n(\n\t.param .b64 a\n)\n;\n\
        .visible .entry one(\n)\n{\n}\n.visible .entry two()\n{\n}\n";

    #[test]
    fn a_whole_module_passes() {
        check(GOOD, "sm_52", Some((6, 0))).unwrap();
        check(GOOD, "sm_52", None).unwrap();
        assert_eq!(entries(GOOD), ["one", "two"]);
    }

    #[test]
    fn another_target_or_version_is_refused() {
        assert!(matches!(
            check(GOOD, "sm_5", None),
            Err(Error::WrongTarget { .. })
        ));
        assert!(matches!(
            check(GOOD, "sm_52", Some((6, 3))),
            Err(Error::WrongTarget { .. })
        ));
        assert!(matches!(
            check("", "sm_52", None),
            Err(Error::WrongTarget { .. })
        ));
    }

    #[test]
    fn unresolved_functions_are_named() {
        let bad = format!(
            "{GOOD}.extern .func memcmp(\n)\n;\n.extern .func (.param .b64 r) _R3foo\n(\n)\n;\n"
        );
        match check(&bad, "sm_52", None) {
            Err(Error::Unresolved { symbols }) => assert_eq!(symbols, ["_R3foo", "memcmp"]),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_module_without_kernels_is_refused() {
        let empty = ".version 6.0\n.target sm_52\n";
        assert!(matches!(check(empty, "sm_52", None), Err(Error::NoEntries)));
    }
}
