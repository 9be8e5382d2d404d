//! `cargo xtask api`: everything that the library makes public, kept in a file, so that each change
//! of it is seen.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::{Failure, args::Args, sh};

pub(crate) const HELP: &str = "\
cargo xtask api [--check]

Writes docs/api.txt: a line for each public item of imagecuda, as the source declares it, with all
features but HEIF's, which add none; and one for each trait that a type implements.

  --check    write nothing; fail if the file is not what the sources give
";

const FILE: &str = "docs/api.txt";
const FEATURES: &str = "cuda,dlpack,ndarray,tracing";

/// The library, and the crate of which it re-exports a few types.
const CRATES: [&str; 2] = ["imagecuda", "imagecuda-kernels"];

/// Compiler-made traits whose loss nobody notices in the source.
const AUTO_TRAITS: [&str; 2] = ["Send", "Sync"];

pub(crate) fn run(args: &mut Args) -> Result<(), Failure> {
    let is_check = args.flag("--check");
    args.finish()?;
    keep(is_check)
}

/// Fails if the file is not what the sources give.
pub(crate) fn check() -> Result<(), Failure> {
    keep(true)
}

fn keep(is_check: bool) -> Result<(), Failure> {
    let new = listing()?;
    let file = sh::root().join(FILE);
    let old = fs::read_to_string(&file).unwrap_or_default();
    let old = old.replace("\r\n", "\n");
    let [was, is] = [&old, &new].map(|text| text.lines().collect::<BTreeSet<_>>());
    was.difference(&is).for_each(|line| say!("- {line}"));
    is.difference(&was).for_each(|line| say!("+ {line}"));
    if !is_check {
        return fs::write(&file, &new).map_err(sh::io(&file));
    }
    let stale = || format!("{FILE} is stale: run `cargo xtask api` and commit it");
    (old == new).then_some(()).ok_or_else(stale)
}

fn listing() -> Result<String, Failure> {
    let [library, kernels] = [rustdoc(CRATES[0])?, rustdoc(CRATES[1])?];
    let mut lines = BTreeSet::new();
    let (krate, other) = (&library, Some(&kernels));
    let list = Listing { krate, other };
    list.item(&library["root"], CRATES[0], &mut lines)?;
    Ok(lines.into_iter().map(|(_, line)| line + "\n").collect())
}

/// What rustdoc knows of a crate. The toolchain is fixed, and with it the format, which is not yet
/// stable.
fn rustdoc(name: &str) -> Result<Value, Failure> {
    // Of its own: build scripts look at RUSTC_BOOTSTRAP, and would run again for everything.
    let target = sh::target().join("api");
    let mut cargo = sh::cargo();
    cargo.args(["rustdoc", "--quiet", "--lib", "--package", name]);
    if name == CRATES[0] {
        cargo.args(["--features", FEATURES]);
    }
    cargo.arg("--target-dir").arg(&target);
    cargo.args(["--", "-Zunstable-options", "--output-format=json"]);
    sh::run(cargo.env("RUSTC_BOOTSTRAP", "1"))?;
    let file = format!("{}.json", name.replace('-', "_"));
    let file = target.join("doc").join(file);
    let text = fs::read_to_string(&file).map_err(sh::io(&file))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Lines, by what they are sorted by.
type Lines = BTreeSet<(String, String)>;

struct Listing<'a> {
    krate: &'a Value,
    /// Where items are that this crate has from elsewhere.
    other: Option<&'a Value>,
}

impl Listing<'_> {
    /// All of an item that is public as `path`.
    fn item(&self, id: &Value, path: &str, lines: &mut Lines) -> Result<(), Failure> {
        let item = &self.krate["index"][id.to_string()];
        let inner = item["inner"].as_object();
        let Some((kind, inner)) = inner.and_then(|inner| inner.iter().next()) else {
            return self.foreign(id, path, lines);
        };
        let line = match &**kind {
            "impl" => return self.implementation(item, path, lines),
            "use" => {
                // What a glob names is public where it stands.
                let name = inner["name"].as_str().filter(|_| inner["is_glob"] == false);
                let path = name.map_or(path.to_owned(), |name| format!("{path}::{name}"));
                return self.item(&inner["id"], &path, lines);
            }
            "module" => format!("pub mod {path}"),
            kind => signature(item, kind, path)?,
        };
        lines.insert((path.to_owned(), line));
        for fields in ["plain", "struct"].map(|shape| &inner["kind"][shape]["fields"]) {
            self.children(fields, path, lines)?;
        }
        for list in ["items", "variants", "impls", "implementations"] {
            self.children(&inner[list], path, lines)?;
        }
        Ok(())
    }

    fn children(&self, ids: &Value, path: &str, lines: &mut Lines) -> Result<(), Failure> {
        for id in ids.as_array().into_iter().flatten() {
            let child = &self.krate["index"][id.to_string()];
            match child["name"].as_str() {
                Some(name) => self.item(id, &format!("{path}::{name}"), lines)?,
                // Re-exports and implementations; those for all types may be of another crate.
                None if !child.is_null() => self.item(id, path, lines)?,
                None => {}
            }
        }
        Ok(())
    }

    /// An item of another crate: in full if it is ours, else by name.
    fn foreign(&self, id: &Value, path: &str, lines: &mut Lines) -> Result<(), Failure> {
        let at = &self.krate["paths"][id.to_string()]["path"];
        let found = self.other.and_then(|other| {
            let paths = other["paths"].as_object()?;
            let (id, _) = paths.iter().find(|(_, there)| there["path"] == *at)?;
            Some((other, Value::from(id.parse::<u64>().ok()?)))
        });
        if let Some((krate, id)) = found {
            return Listing { krate, other: None }.item(&id, path, lines);
        }
        lines.insert((path.to_owned(), format!("pub use {path}")));
        Ok(())
    }

    /// The items of an `impl Type`, or an `impl Trait for Type` as a line.
    fn implementation(&self, item: &Value, path: &str, lines: &mut Lines) -> Result<(), Failure> {
        let inner = &item["inner"]["impl"];
        if inner["trait"].is_null() {
            // Some are of one kind of image alone.
            let args = &inner["for"]["resolved_path"]["args"]["angle_bracketed"]["args"];
            let of = args[0]["type"]["resolved_path"]["path"].as_str();
            let of = of.map_or(String::new(), |of| format!("<{of}>"));
            return self.children(&inner["items"], &format!("{path}{of}"), lines);
        }
        let name = inner["trait"]["path"].as_str().unwrap_or_default();
        let is_auto = inner["is_synthetic"] == true;
        let is_listed = match is_auto {
            true => AUTO_TRAITS.contains(&name) && inner["is_negative"] == false,
            false => inner["blanket_impl"].is_null() && name != "StructuralPartialEq",
        };
        if is_listed {
            let text = if is_auto { name.into() } else { source(item)? };
            // Of those that are derived, the source has no more than a name.
            let line = match text.contains('{') {
                true => declaration(&text, "impl"),
                false => format!("impl {name} for {path}"),
            };
            lines.insert((path.to_owned(), line));
        }
        Ok(())
    }
}

/// The declaration of an item as its source has it, up to its body, with its whole path.
fn signature(item: &Value, kind: &str, path: &str) -> Result<String, Failure> {
    let mut text = declaration(&source(item)?, kind);
    let shape = &item["inner"][kind]["kind"];
    if shape["plain"]["has_stripped_fields"] == true {
        text += " { .. }";
    } else if kind == "struct" && has(&shape["tuple"], Value::Null) {
        text.truncate(text.find('(').unwrap_or(text.len()));
        text += "(..)";
    }
    let name = item["name"].as_str().unwrap_or_default();
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let is_whole = |&(at, _): &(usize, &str)| {
        !text[..at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part)
    };
    let found = text.match_indices(name).find(is_whole);
    let (at, _) = found.ok_or_else(|| format!("{path}: `{text}` does not declare it"))?;
    let open = match has(&item["attrs"], "non_exhaustive") {
        true => "#[non_exhaustive] ",
        false => "",
    };
    Ok(format!(
        "{open}{}{path}{}",
        &text[..at],
        &text[at + name.len()..]
    ))
}

fn has(list: &Value, value: impl Into<Value>) -> bool {
    let value = value.into();
    list.as_array().is_some_and(|list| list.contains(&value))
}

/// What stands at an item's place.
fn source(item: &Value) -> Result<String, Failure> {
    let span = &item["span"];
    let file = sh::root().join(span["filename"].as_str().unwrap_or_default());
    let text = fs::read_to_string(&file).map_err(sh::io(&file))?;
    let offset = |edge: &Value| {
        let [line, column] = [0, 1].map(|i| edge[i].as_u64().map_or(0, |n| n as usize - 1));
        column
            + text
                .split_inclusive('\n')
                .take(line)
                .map(str::len)
                .sum::<usize>()
    };
    let text = text.get(offset(&span["begin"])..offset(&span["end"]));
    text.map(str::to_owned)
        .ok_or_else(|| format!("{}: {span} is not in it", file.display()))
}

/// The text up to a body or a value, on one line; of a macro that implements, all of it.
fn declaration(text: &str, kind: &str) -> String {
    let is_macro = kind == "impl" && !text.starts_with("impl") && !text.starts_with("unsafe");
    let mut depth = i32::from(is_macro);
    let is_end = |&(at, c): &(usize, char)| {
        depth += i32::from("([".contains(c)) - i32::from(")]".contains(c));
        let is_value = kind.contains("const") && text[at..].starts_with(" =");
        depth == 0 && (is_value || "{;".contains(c))
    };
    let end = text
        .char_indices()
        .find(is_end)
        .map_or(text.len(), |(at, _)| at);
    let words: Vec<&str> = text[..end].split_whitespace().collect();
    let text = words.join(" ").replace("( ", "(").replace(", )", ")");
    text.trim_end_matches(',').to_owned()
}
