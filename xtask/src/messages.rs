//! The few fields that we need of `cargo … --message-format=json`: one object a line, written
//! by one program, without spaces.

use std::path::PathBuf;

/// A program that cargo built, or an example that is a shared library.
#[derive(Debug, PartialEq)]
pub(crate) struct Program {
    /// `test`, `bench`, `example`, `lib` (its unit tests), …
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

impl Program {
    /// What it is called without cargo's hash.
    pub(crate) fn file_name(&self) -> String {
        match self.path.extension().and_then(|e| e.to_str()) {
            Some("so") => format!("lib{}.so", self.name),
            _ => self.name.clone(),
        }
    }
}

/// The programs among cargo's messages.
pub(crate) fn programs(messages: &str) -> Vec<Program> {
    messages
        .lines()
        .filter(|line| line.starts_with(r#"{"reason":"compiler-artifact""#))
        .filter_map(|line| {
            let (_, target) = line.split_once(r#""target":{"#)?;
            let kind = string_after(target, r#""kind":["#)?;
            let path = string_after(line, r#""executable":"#).or_else(|| {
                // A library has no "executable".
                let file = string_after(line, r#""filenames":["#)?;
                (kind == "example" && file.ends_with(".so")).then_some(file)
            })?;
            Some(Program {
                kind,
                name: string_after(target, r#""name":"#)?,
                path: path.into(),
            })
        })
        .collect()
}

/// The string that follows `key`, if a string does.
fn string_after(line: &str, key: &str) -> Option<String> {
    let (_, rest) = line.split_once(key)?;
    let mut chars = rest.strip_prefix('"')?.chars();
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => match chars.next()? {
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    text.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                }
                'n' => text.push('\n'),
                't' => text.push('\t'),
                plain => text.push(plain),
            },
            plain => text.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","package_id":"a","target":{"kind":["lib"],"#,
            r#""crate_types":["lib"],"name":"a","src_path":"/a"},"executable":null,"fresh":true}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"kind":["test"],"crate_types":["bin"],"#,
            r#""name":"round_trip"},"executable":"/t/a \"b\"/c\\d","fresh":true}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"kind":["example"],"crate_types":["cdylib"],"#,
            r#""name":"b"},"filenames":["/t/libb.so"],"executable":null,"fresh":true}"#,
            "\nrunning\n{\"reason\":\"build-finished\",\"success\":true}\n"
        );
        let program = Program {
            kind: "test".to_owned(),
            name: "round_trip".to_owned(),
            path: PathBuf::from(r#"/t/a "b"/c\d"#),
        };
        let library = Program {
            kind: "example".to_owned(),
            name: "b".to_owned(),
            path: PathBuf::from("/t/libb.so"),
        };
        assert_eq!(library.file_name(), "libb.so");
        assert_eq!(programs(messages), [program, library]);
    }
}
