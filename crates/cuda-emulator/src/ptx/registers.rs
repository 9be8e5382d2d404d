//! Names of registers, and constants.

use super::text::number;
use crate::program::{CONSTANT, Class, LANES, Row};
use std::collections::HashMap;

/// The rows that a program's names stand for, before they are allocated.
#[derive(Debug, Default)]
pub(super) struct Registers {
    /// The classes of names, or of what names begin with, in the function at hand.
    classes: HashMap<String, Class>,
    rows: HashMap<(String, Class), Row>,
    /// How many rows of each class there are.
    pub(super) counts: HashMap<Class, u32>,
    constants32: HashMap<u32, Row>,
    constants64: HashMap<u64, Row>,
    pub(super) values32: Vec<[u32; LANES]>,
    pub(super) values64: Vec<[u64; LANES]>,
}

impl Registers {
    /// Forgets names: those of another function are other registers.
    pub(super) fn enter_function(&mut self) {
        self.classes.clear();
        self.rows.clear();
    }

    /// Takes a declaration such as `.reg .b32 %r<152>`.
    pub(super) fn declare(&mut self, text: &str) -> Result<(), String> {
        let mut words = text.split_whitespace().skip(1);
        let kind = words.next().unwrap_or("");
        let class = class_of(kind).ok_or_else(|| format!("no registers: {text}"))?;
        for name in words
            .flat_map(|word| word.split(','))
            .filter(|name| !name.is_empty())
        {
            let name = name.split('<').next().unwrap_or(name);
            self.classes.insert(name.into(), class);
        }
        Ok(())
    }

    pub(super) fn class(&self, name: &str) -> Option<Class> {
        let prefix = name.trim_end_matches(|c: char| c.is_ascii_digit());
        self.classes
            .get(name)
            .or_else(|| self.classes.get(prefix))
            .copied()
    }

    pub(super) fn row(&mut self, name: &str, class: Class) -> Row {
        let key = (name.to_owned(), class);
        if let Some(row) = self.rows.get(&key) {
            return *row;
        }
        let row = self.fresh(class);
        self.rows.insert(key, row);
        row
    }

    /// A register without a name.
    pub(super) fn fresh(&mut self, class: Class) -> Row {
        let count = self.counts.entry(class).or_default();
        *count += 1;
        *count - 1
    }

    /// The row of a register or of a number.
    pub(super) fn operand(&mut self, text: &str, class: Class, is_16: bool) -> Result<Row, String> {
        if let Some(found) = self.class(text) {
            return match found == class {
                true => Ok(self.row(text, class)),
                false => Err(format!("{text} is {found:?}, not {class:?}")),
            };
        }
        let value = number(text).ok_or_else(|| format!("no register or number: {text}"))?;
        Ok(match class {
            Class::R32 if is_16 => self.constant32(value as u32 & 0xFFFF),
            Class::R32 => self.constant32(value as u32),
            Class::R64 => self.constant64(value),
            Class::Predicate => CONSTANT | Row::from(value != 0),
        })
    }

    pub(super) fn constant32(&mut self, value: u32) -> Row {
        let next = CONSTANT | self.values32.len() as u32;
        let row = *self.constants32.entry(value).or_insert(next);
        if row == next {
            self.values32.push([value; LANES]);
        }
        row
    }

    pub(super) fn constant64(&mut self, value: u64) -> Row {
        let next = CONSTANT | self.values64.len() as u32;
        let row = *self.constants64.entry(value).or_insert(next);
        if row == next {
            self.values64.push([value; LANES]);
        }
        row
    }
}

pub(super) fn class_of(kind: &str) -> Option<Class> {
    Some(match kind {
        ".pred" => Class::Predicate,
        ".b64" | ".u64" | ".s64" => Class::R64,
        ".b8" | ".u8" | ".s8" | ".b16" | ".u16" | ".s16" | ".b32" | ".u32" | ".s32" | ".f32" => {
            Class::R32
        }
        _ => return None,
    })
}
