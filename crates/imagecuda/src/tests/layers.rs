//! Imports run downward: no module imports one that stands above it in [`LAYERS`]. So folders do
//! not import each other in circles.

use super::{rust_files, source, without_comments};
use std::{collections::BTreeMap, fs, path::Path};

/// The modules at the crate's root, from top to bottom. docs/architecture.md has the same list.
const LAYERS: [&str; 20] = [
    "batch", "save", "load", "image", "codec", "device", "jpeg", "options", "metadata", "color",
    "resample", "memory", "parallel", "paths", "limits", "sink", "picture", "error", "format",
    "trace",
];

/// The names that follow `crate::` in `code`, in paths and in lists.
fn imported(code: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => names.push(first_word(rest)),
            Some(list) => names.extend(items(list).into_iter().map(first_word)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The items of a list up to its closing brace, each with its nested list.
fn items(list: &str) -> Vec<&str> {
    let (mut items, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, byte) in list.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => {
                items.push(&list[start..at]);
                break;
            }
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The module that each name comes from which lib.rs exports.
fn exports(lib: &str) -> BTreeMap<String, String> {
    let mut exports = BTreeMap::new();
    for statement in lib.split(';') {
        let Some((_, path)) = statement.split_once(" use ") else {
            continue;
        };
        let Some((module, names)) = path.split_once("::") else {
            continue;
        };
        for name in names.split(|c: char| !c.is_alphanumeric() && c != '_') {
            exports.insert(name.to_owned(), module.trim().to_owned());
        }
    }
    exports
}

/// The code that is compiled without tests. Tests stand at the end of a file, or in files of their
/// own.
fn without_tests(code: &str) -> &str {
    code.split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
}

fn is_of_tests(file: &Path) -> bool {
    file.iter()
        .any(|part| part == "tests" || part == "tests.rs")
}

/// The imports of `code`, a file of the module `importer`, that run upward.
fn upward<'a>(
    importer: &str,
    code: &'a str,
    exports: &'a BTreeMap<String, String>,
) -> Vec<&'a str> {
    let layer = |module: &str| LAYERS.iter().position(|layer| *layer == module);
    let from = layer(importer).unwrap_or_else(|| panic!("{importer} is in no layer"));
    imported(code)
        .into_iter()
        .map(|name| exports.get(name).map_or(name, String::as_str))
        .filter(|module| layer(module).is_some_and(|to| to < from))
        .collect()
}

#[test]
fn imports_run_downward() {
    let source = source();
    let lib = fs::read_to_string(source.join("lib.rs")).unwrap();
    let exports = exports(&without_comments(&lib));
    assert_eq!(exports["DeviceImage"], "image");
    let mut wrong = Vec::new();
    for (path, code) in rust_files(&source) {
        let file = path.strip_prefix(&source).unwrap();
        let module = file.iter().next().unwrap().to_str().unwrap();
        let module = module.strip_suffix(".rs").unwrap_or(module);
        if module == "lib" || is_of_tests(file) {
            continue;
        }
        for name in upward(module, without_tests(&code), &exports) {
            wrong.push(format!("{} imports {name}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_import_that_runs_upward_is_found() {
    let exports = exports("pub use image::{DeviceImage, Image};\npub use error::Result;");
    let code = "use crate::{\n    Result,\n    codec::{self, Decode},\n    memory,\n};";
    assert_eq!(upward("device", code, &exports), ["codec"]);
    assert_eq!(upward("load", code, &exports), [""; 0]);
    let code = "fn f() -> crate::Result<crate::Image> { crate::load::load() }";
    assert_eq!(upward("codec", code, &exports), ["image", "load"]);
}
