//! The parts of PTX text.

/// Removes comments and keeps the lines' numbers.
pub(super) fn without_comments(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for line in text.lines() {
        clean.push_str(line.split("//").next().unwrap_or(""));
        clean.push('\n');
    }
    clean
}

/// The bytes of a fundamental type such as `.b32`.
pub(super) fn size_of(kind: &str) -> Option<usize> {
    Some(match kind.trim_start_matches('.') {
        "b8" | "u8" | "s8" => 1,
        "b16" | "u16" | "s16" | "f16" => 2,
        "b32" | "u32" | "s32" | "f32" => 4,
        "b64" | "u64" | "s64" | "f64" => 8,
        _ => return None,
    })
}

/// A declaration such as `.param .align 8 .b8 name[256]`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Variable<'a> {
    pub(super) name: &'a str,
    pub(super) align: usize,
    /// Bytes of an element.
    pub(super) size: usize,
    /// Elements; 0 for an array without a length.
    pub(super) count: usize,
}

impl<'a> Variable<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        let (mut align, mut size, mut name) = (0, 0, "");
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                ".align" => {
                    let number = words.next().and_then(|word| word.parse().ok());
                    // A pointer's parameter says how its target is aligned.
                    let number = number.ok_or_else(|| format!("no alignment: {text}"))?;
                    align = if text.contains(".ptr") { 0 } else { number };
                }
                _ if word.starts_with('.') => size = size_of(word).unwrap_or(size),
                _ => name = word,
            }
        }
        if size == 0 || name.is_empty() {
            return Err(format!("no variable: {text}"));
        }
        let (name, count) = match name.split_once('[') {
            None => (name, 1),
            Some((name, rest)) => match rest.trim_end_matches(']') {
                "" => (name, 0),
                number => (
                    name,
                    number.parse().map_err(|_| format!("no length: {text}"))?,
                ),
            },
        };
        let align = align.max(size);
        Ok(Self {
            name,
            align,
            size,
            count,
        })
    }

    pub(super) fn bytes(&self) -> usize {
        self.size * self.count
    }
}

/// Splits at commas that are in no brackets.
pub(super) fn operands(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        parts.push(last);
    }
    parts
}

/// A whole number or the bits of a float.
pub(super) fn number(text: &str) -> Option<u64> {
    if let Some(bits) = text.strip_prefix("0f").or(text.strip_prefix("0F")) {
        return u64::from_str_radix(bits, 16).ok();
    }
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let digits = digits.trim_end_matches(['U', 'u']);
    let value = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if is_negative {
        value.wrapping_neg()
    } else {
        value
    })
}

pub(super) fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '$' | '%' | '.')
}

/// `text` without braces of scopes and labels at its start; calls `label` with each of those.
pub(super) fn strip_labels<'a>(mut text: &'a str, mut label: impl FnMut(&'a str)) -> &'a str {
    loop {
        text = text.trim_start();
        if let Some(rest) = text.strip_prefix(['{', '}']) {
            text = rest;
            continue;
        }
        let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
        match text[end..].strip_prefix(':') {
            Some(rest) if end > 0 => {
                label(&text[..end]);
                text = rest;
            }
            _ => return text.trim_end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_their_sizes() {
        let variable = Variable::parse(".param .align 8 .b8 name_0[256]").unwrap();
        assert_eq!(
            (variable.name, variable.align, variable.bytes()),
            ("name_0", 8, 256)
        );
        let pointer = Variable::parse(".param .u64 .ptr .align 1 name").unwrap();
        assert_eq!(
            (pointer.name, pointer.align, pointer.bytes()),
            ("name", 8, 8)
        );
        let open = Variable::parse(".extern .shared .align 16 .b8 dynamic[]").unwrap();
        assert_eq!((open.name, open.align, open.count), ("dynamic", 16, 0));
        assert!(Variable::parse(".param name").is_err());
    }

    #[test]
    fn numbers_are_read_in_every_form() {
        assert_eq!(number("-1"), Some(u64::MAX));
        assert_eq!(number("0x123U"), Some(0x123));
        assert_eq!(number("0f3F800000"), Some(0x3F80_0000));
        assert_eq!(number("%r1"), None);
    }

    #[test]
    fn operands_keep_their_brackets() {
        assert_eq!(operands("{%r1, %r2}, [%rd1+4]"), ["{%r1, %r2}", "[%rd1+4]"]);
        assert_eq!(operands("(a), f, (b, c)"), ["(a)", "f", "(b, c)"]);
        assert!(operands(" ").is_empty());
    }

    #[test]
    fn labels_and_scopes_go() {
        let mut labels = Vec::new();
        let rest = strip_labels("\n{ $L__BB0_1:\n} $L_2: ret", |label| labels.push(label));
        assert_eq!((rest, &labels[..]), ("ret", &["$L__BB0_1", "$L_2"][..]));
    }
}
