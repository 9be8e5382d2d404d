//! Every kernel that the code launches is an entry of kernels.ptx, and the code launches every
//! entry.

use super::{rust_files, source};
use std::{collections::BTreeSet, fs};

/// The entry points of a PTX module.
fn entries(ptx: &str) -> BTreeSet<&str> {
    ptx.lines()
        .filter_map(|line| line.strip_prefix(".visible .entry "))
        .map(|rest| rest.trim_end_matches('('))
        .collect()
}

/// The string literals of Rust code that may be names of kernels: those whose first word is the
/// first word of an entry.
fn names<'a>(code: &'a str, entries: &BTreeSet<&str>) -> BTreeSet<&'a str> {
    let first_word = |name: &str| name.split('_').next().unwrap_or_default().to_owned();
    let first_words: BTreeSet<String> = entries.iter().map(|name| first_word(name)).collect();
    let is_word = |text: &&str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    code.split('"')
        .skip(1)
        .step_by(2)
        .filter(is_word)
        .filter(|text| first_words.contains(&first_word(text)) && !matches!(*text, "jpeg" | "webp"))
        .collect()
}

#[test]
fn kernels_that_are_launched_are_those_that_are_compiled() {
    let folder = source().join("device/cuda");
    let ptx = fs::read_to_string(folder.join("kernels.ptx")).unwrap();
    let entries = entries(&ptx);
    assert!(entries.len() > 50, "{entries:?}");
    let files = rust_files(&folder);
    let launched: BTreeSet<&str> = files
        .iter()
        .flat_map(|(_, code)| names(code, &entries))
        .collect();
    let unknown: Vec<_> = launched.difference(&entries).collect();
    assert!(
        unknown.is_empty(),
        "launched, but not compiled: {unknown:?}"
    );
    let unused: Vec<_> = entries.difference(&launched).collect();
    assert!(
        unused.is_empty(),
        "compiled, but never launched: {unused:?}"
    );
}

#[test]
fn a_misspelt_kernel_is_found() {
    let ptx = ".visible .entry pack_l8(\n\t.param .u64 a\n)\n.visible .entry pack_la8(\n)";
    let entries = entries(ptx);
    let code = r#"match layout { L8 => "pack_l8", La8 => "pack_la9", _ => "jpeg" }"#;
    let names = names(code, &entries);
    assert_eq!(
        names.difference(&entries).collect::<Vec<_>>(),
        [&"pack_la9"]
    );
    assert_eq!(
        entries.difference(&names).collect::<Vec<_>>(),
        [&"pack_la8"]
    );
}
