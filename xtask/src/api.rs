//! `cargo xtask api`: everything that the library makes public, kept in a file, so that each change
//! of it is seen.

mod types;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use crate::{Failure, args::Args, sh};

pub(crate) const HELP: &str = "\
cargo xtask api [--check]

Writes docs/api.txt: the public items of imagecuda, as the source declares them, by module and by
type, with the traits that each type implements; with all features but HEIF's, which add none.

  --check    write nothing; fail if the file is not what the sources give
";

const FILE: &str = "docs/api.txt";
const FEATURES: &str = "cuda,cudarc,dlpack,ndarray,tracing";

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
    let mut modules = Modules::new();
    let (krate, other) = (&library, Some(&kernels));
    let list = Listing { krate, other };
    list.module(&library["root"], CRATES[0], &mut modules)?;
    Ok(print(&modules))
}

/// Each module's items: what has no parts first, then types with theirs.
fn print(modules: &Modules) -> String {
    let mut text = String::new();
    for (path, items) in modules {
        text += &format!("mod {path}\n\n");
        let (types, others): (Vec<_>, Vec<_>) = items
            .values()
            .partition(|item| item.is_type || !item.parts.is_empty());
        others
            .iter()
            .for_each(|item| text += &format!("{}\n", item.line));
        for item in types {
            text += &format!("\n{}\n", item.line);
            let mut last = "";
            for (of, part) in &item.parts {
                if of != last {
                    text += &format!("    of {of}:\n");
                    last = of;
                }
                text += &format!("    {part}\n");
            }
            if !item.traits.is_empty() {
                let traits: Vec<&str> = item.traits.iter().map(String::as_str).collect();
                text += &format!("    impl {}\n", traits.join(", "));
            }
        }
        text += "\n";
    }
    text.trim_end().to_owned() + "\n"
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

/// The items of each module, by name.
type Modules = BTreeMap<String, BTreeMap<String, Item>>;

/// A function, a type, a trait, …
#[derive(Default)]
struct Item {
    line: String,
    is_type: bool,
    /// Variants, fields and functions; of one kind of a generic type alone, or of all ("").
    parts: BTreeSet<(String, String)>,
    traits: BTreeSet<String>,
}

struct Listing<'a> {
    krate: &'a Value,
    /// Where items are that this crate has from elsewhere.
    other: Option<&'a Value>,
}

impl Listing<'_> {
    fn get(&self, id: &Value) -> &Value {
        &self.krate["index"][id.to_string()]
    }

    /// All that is public in a module.
    fn module(&self, id: &Value, path: &str, modules: &mut Modules) -> Result<(), Failure> {
        modules.entry(path.to_owned()).or_default();
        for id in array(&self.get(id)["inner"]["module"]["items"]) {
            let inner = &self.get(id)["inner"];
            match &inner["use"] {
                Value::Null if !inner["module"].is_null() => {
                    let name = self.get(id)["name"].as_str().unwrap_or_default();
                    self.module(id, &format!("{path}::{name}"), modules)?;
                }
                Value::Null if !inner["impl"].is_null() => {}
                Value::Null => {
                    let name = self.get(id)["name"].as_str().unwrap_or_default();
                    self.item(id, name, path, modules)?;
                }
                // What a glob names is public where it stands.
                used if used["is_glob"] == true => self.module(&used["id"], path, modules)?,
                used => {
                    let name = used["name"].as_str().unwrap_or_default();
                    match self.get(&used["id"])["inner"]["module"].is_null() {
                        true => self.item(&used["id"], name, path, modules)?,
                        false => self.module(&used["id"], &format!("{path}::{name}"), modules)?,
                    }
                }
            }
        }
        Ok(())
    }

    /// An item that is public as `name` in the module `path`.
    fn item(
        &self,
        id: &Value,
        name: &str,
        path: &str,
        modules: &mut Modules,
    ) -> Result<(), Failure> {
        let found = self.get(id);
        let inner = found["inner"].as_object();
        let Some((kind, inner)) = inner.and_then(|inner| inner.iter().next()) else {
            return self.foreign(id, name, path, modules);
        };
        let mut item = Item {
            line: signature(found, kind)?,
            is_type: matches!(&**kind, "struct" | "enum" | "trait"),
            ..Item::default()
        };
        for fields in ["plain", "struct"].map(|shape| &inner["kind"][shape]["fields"]) {
            self.parts(fields, "", &mut item)?;
        }
        for list in ["items", "variants"] {
            self.parts(&inner[list], "", &mut item)?;
        }
        for id in ["impls", "implementations"]
            .into_iter()
            .flat_map(|list| array(&inner[list]))
        {
            self.implementation(self.get(id), name, kind == "trait", &mut item)?;
        }
        modules
            .entry(path.to_owned())
            .or_default()
            .insert(name.to_owned(), item);
        Ok(())
    }

    fn parts(&self, ids: &Value, of: &str, item: &mut Item) -> Result<(), Failure> {
        for id in array(ids) {
            let part = self.get(id);
            let inner = part["inner"].as_object();
            if let Some(kind) = inner.and_then(|inner| inner.keys().next()) {
                let line = signature(part, kind)?;
                item.parts.insert((of.to_owned(), line));
            }
        }
        Ok(())
    }

    /// An item of another crate: in full if it is ours, else by name.
    fn foreign(
        &self,
        id: &Value,
        name: &str,
        path: &str,
        modules: &mut Modules,
    ) -> Result<(), Failure> {
        let at = &self.krate["paths"][id.to_string()]["path"];
        let found = self.other.and_then(|other| {
            let paths = other["paths"].as_object()?;
            let (id, _) = paths.iter().find(|(_, there)| there["path"] == *at)?;
            Some((other, Value::from(id.parse::<u64>().ok()?)))
        });
        if let Some((krate, id)) = found {
            return Listing { krate, other: None }.item(&id, name, path, modules);
        }
        let item = Item {
            line: format!("use {name}"),
            ..Item::default()
        };
        modules
            .entry(path.to_owned())
            .or_default()
            .insert(name.to_owned(), item);
        Ok(())
    }

    /// The items of an `impl Type`, or the name of a trait.
    fn implementation(
        &self,
        found: &Value,
        name: &str,
        is_trait: bool,
        item: &mut Item,
    ) -> Result<(), Failure> {
        let inner = &found["inner"]["impl"];
        if inner.is_null() {
            return Ok(()); // of another crate, for all types
        }
        let this = types::text(&inner["for"]);
        if inner["trait"].is_null() {
            // Some are of one kind of image alone.
            let args = &inner["for"]["resolved_path"]["args"]["angle_bracketed"]["args"];
            let is_of_one = !args[0]["type"]["resolved_path"].is_null();
            let of = if is_of_one { this } else { String::new() };
            return self.parts(&inner["items"], &of, item);
        }
        let of = types::path(&inner["trait"]);
        let is_listed = match inner["is_synthetic"] == true {
            true => AUTO_TRAITS.contains(&&*of) && inner["is_negative"] == false,
            false => inner["blanket_impl"].is_null() && of != "StructuralPartialEq",
        };
        let is_own = this == name || this.starts_with(&format!("{name}<"));
        if is_listed {
            item.traits.insert(match (is_trait, is_own) {
                (true, _) => format!("for {this}"),
                (false, true) => of,
                (false, false) => format!("{of} for {this}"),
            });
        }
        Ok(())
    }
}

fn array(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// The declaration of an item as its source has it, up to its body.
fn signature(item: &Value, kind: &str) -> Result<String, Failure> {
    let mut text = declaration(&source(item)?, kind);
    let shape = &item["inner"][kind]["kind"];
    if shape["plain"]["has_stripped_fields"] == true {
        text += " { .. }";
    } else if kind == "struct" && has(&shape["tuple"], Value::Null) {
        text.truncate(text.find('(').unwrap_or(text.len()));
        text += "(..)";
    }
    let open = match has(&item["attrs"], "non_exhaustive") {
        true => "#[non_exhaustive] ",
        false => "",
    };
    Ok(format!("{open}{}", text.replace("pub ", "")))
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

/// The text up to a body or a value, on one line; of a variant, all of it.
fn declaration(text: &str, kind: &str) -> String {
    let mut depth = 0;
    let is_end = |&(at, c): &(usize, char)| {
        depth += i32::from("([".contains(c)) - i32::from(")]".contains(c));
        let is_value = kind.contains("const") && text[at..].starts_with(" =");
        depth == 0 && (is_value || "{;".contains(c))
    };
    let end = text
        .char_indices()
        .find(is_end)
        .map_or(text.len(), |(at, _)| at);
    let end = if kind == "variant" { text.len() } else { end };
    // Without comments, of which a variant's fields have some.
    let code = text[..end]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let words: Vec<&str> = code.flat_map(str::split_whitespace).collect();
    let text = words.join(" ").replace("( ", "(").replace(", )", ")");
    text.replace(", }", " }").trim_end_matches(',').to_owned()
}
