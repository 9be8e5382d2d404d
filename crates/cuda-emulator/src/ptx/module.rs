//! The index of a module: where functions stand, and its variables.

use super::text::{Variable, number, without_comments};
use std::{collections::HashMap, ops::Range};

#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) align: usize,
    pub(crate) bytes: usize,
}

#[derive(Debug)]
pub(crate) struct FunctionText {
    pub(crate) name: String,
    pub(crate) is_entry: bool,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) result: Option<Parameter>,
    /// Where the body stands in the module's text.
    pub(crate) body: Range<usize>,
    pub(crate) line: u32,
    /// The most threads that a block of an entry may have, if it says so.
    pub(crate) most_threads: Option<u32>,
}

#[derive(Debug)]
pub(crate) struct Global {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// A module's text and what is in it.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) text: String,
    pub(crate) functions: HashMap<String, FunctionText>,
    /// Arrays in shared memory: alignment and bytes. Without a length they are dynamic.
    pub(crate) shared: HashMap<String, (usize, usize)>,
    pub(crate) globals: Vec<Global>,
}

impl Module {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.contains(".address_size 64") {
            return Err("not PTX with addresses of 64 bits".into());
        }
        let mut module = Self {
            text: without_comments(text),
            ..Self::default()
        };
        let clean = std::mem::take(&mut module.text);
        module.index(&clean)?;
        module.text = clean;
        Ok(module)
    }

    fn index(&mut self, text: &str) -> Result<(), String> {
        let (mut header, mut start, mut header_line) = (String::new(), 0, 0);
        let (mut depth, mut body_start, mut at) = (0i32, 0, 0);
        for (line_number, line) in text.split_inclusive('\n').enumerate() {
            let (line_start, trimmed) = (at, line.trim());
            at += line.len();
            if depth == 0 {
                if header.is_empty() && is_directive(trimmed) {
                    continue;
                }
                if header.is_empty() {
                    (start, header_line) = (line_start, line_number);
                }
                let is_variable = is_variable(&header, trimmed);
                match line.find('{').filter(|_| !is_variable) {
                    Some(brace) => {
                        header.push_str(&line[..brace]);
                        body_start = line_start + brace + 1;
                        depth = braces(&line[brace..]);
                    }
                    None => {
                        header.push_str(line);
                        if trimmed.ends_with(';') {
                            self.variable(header.trim())?;
                            header.clear();
                        }
                        continue;
                    }
                }
            } else {
                depth += braces(line);
            }
            if depth == 0 {
                let end = line_start + line.rfind('}').unwrap_or(0);
                let mut function = function(&header, body_start..end)?;
                let before = text[start..body_start].matches('\n').count();
                function.line = u32::try_from(header_line + before + 1).unwrap_or(0);
                self.functions.insert(function.name.clone(), function);
                header.clear();
            }
        }
        Ok(())
    }

    /// Takes a variable. A declaration of a function is no variable, and nothing to remember.
    fn variable(&mut self, text: &str) -> Result<(), String> {
        let text = text.trim_end_matches(';').trim();
        if text.contains(".shared") {
            let variable = Variable::parse(text)?;
            let place = (variable.align, variable.bytes());
            self.shared.insert(variable.name.into(), place);
        } else if text.contains(".global") || text.contains(".const") {
            let (declaration, values) = text.split_once('=').unwrap_or((text, ""));
            let variable = Variable::parse(declaration)?;
            let mut bytes = vec![0; variable.bytes()];
            let values = values.trim().trim_start_matches('{').trim_end_matches('}');
            let slots = bytes.chunks_exact_mut(variable.size);
            for (value, slot) in values
                .split(',')
                .filter(|v| !v.trim().is_empty())
                .zip(slots)
            {
                let value = number(value.trim()).ok_or_else(|| format!("no number: {value}"))?;
                slot.copy_from_slice(&value.to_le_bytes()[..variable.size]);
            }
            self.globals.push(Global {
                name: variable.name.into(),
                bytes,
            });
        }
        Ok(())
    }
}

/// Lines that say nothing here.
fn is_directive(line: &str) -> bool {
    [".version", ".target", ".address_size"]
        .iter()
        .any(|word| line.starts_with(word))
        || line.is_empty()
}

fn is_variable(header: &str, line: &str) -> bool {
    let text = if header.is_empty() { line } else { header };
    (text.contains(".global") || text.contains(".shared")) && !text.contains(".func")
}

fn braces(line: &str) -> i32 {
    line.chars()
        .map(|letter| match letter {
            '{' => 1,
            '}' => -1,
            _ => 0,
        })
        .sum()
}

fn function(header: &str, body: Range<usize>) -> Result<FunctionText, String> {
    let bad = || format!("no function: {header}");
    let is_entry = header.contains(".entry");
    let keyword = if is_entry { ".entry" } else { ".func" };
    let (_, mut rest) = header.split_once(keyword).ok_or_else(bad)?;
    rest = rest.trim();
    let mut result = None;
    if rest.starts_with('(') {
        let (inside, after) = rest[1..].split_once(')').ok_or_else(bad)?;
        result = Some(parameter(inside)?);
        rest = after.trim();
    }
    let end = rest
        .find(|c: char| c == '(' || c.is_whitespace())
        .unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    let (list, rest) = match rest.trim().strip_prefix('(') {
        Some(inside) => inside.split_once(')').ok_or_else(bad)?,
        None => ("", rest),
    };
    let parameters = list.split(',').filter(|text| !text.trim().is_empty());
    let most_threads = rest.split_once(".maxntid").map(|(_, sizes)| {
        let sizes = sizes.split(['\n', '.']).next().unwrap_or("");
        sizes
            .split(',')
            .filter_map(|n| n.trim().parse::<u32>().ok())
            .product()
    });
    Ok(FunctionText {
        name: name.into(),
        is_entry,
        parameters: parameters.map(parameter).collect::<Result<_, _>>()?,
        result,
        body,
        line: 0,
        most_threads,
    })
}

fn parameter(text: &str) -> Result<Parameter, String> {
    let variable = Variable::parse(text.trim())?;
    Ok(Parameter {
        name: variable.name.into(),
        align: variable.align,
        bytes: variable.bytes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
// a comment
.version 6.0
.target sm_52
.address_size 64
.extern .shared .align 16 .b8 dynamic[];
.shared .align 16 .b8 fixed[352];
.func helper
(
\t.param .b64 helper_param_0
)
;
.global .align 4 .b8 table[8] = {1, 2, 3};
.func  (.param .b32 func_retval0) helper(
\t.param .b32 helper_param_0
)
{
\tret;
}
\t// .globl\tkernel
.visible .entry kernel(
\t.param .u64 .ptr .align 1 kernel_param_0,
\t.param .align 4 .b8 kernel_param_1[100]
)
.maxntid 256, 1, 1
.minnctapersm 3
{
\t{ // callseq
\t}
\tret;

}
";

    #[test]
    fn functions_and_variables_are_found() {
        let module = Module::parse(TEXT).unwrap();
        assert_eq!(module.shared["dynamic"], (16, 0));
        assert_eq!(module.shared["fixed"], (16, 352));
        assert_eq!(module.globals[0].bytes, [1, 2, 3, 0, 0, 0, 0, 0]);
        let kernel = &module.functions["kernel"];
        assert!(kernel.is_entry && kernel.most_threads == Some(256));
        let sizes: Vec<_> = kernel
            .parameters
            .iter()
            .map(|p| (p.align, p.bytes))
            .collect();
        assert_eq!(sizes, [(8, 8), (4, 100)]);
        let helper = &module.functions["helper"];
        assert_eq!(helper.result.as_ref().unwrap().name, "func_retval0");
        assert_eq!(module.text[helper.body.clone()].trim(), "ret;");
        let line = TEXT.lines().nth(helper.line as usize).unwrap();
        assert_eq!(line.trim(), "ret;");
    }

    #[test]
    fn other_text_is_refused() {
        assert!(Module::parse("\u{7f}ELF").is_err());
    }
}
