//! Loads, stores and atomic operations.

use super::{function::Decoder, registers::class_of, text::size_of};
use crate::{
    memory::SHARED_BASE,
    program::{Access, AtomicOp, Class, Op, Row, Space, Unary32, Unary64},
};

/// An opcode's words after `ld`, `st` or `atom`.
struct Words<'a> {
    space: Space,
    is_param: bool,
    is_volatile: bool,
    count: u8,
    kind: &'a str,
    operation: Option<AtomicOp>,
}

impl<'a> Words<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let mut words = Words {
            space: Space::Generic,
            is_param: false,
            is_volatile: false,
            count: 1,
            kind: "",
            operation: None,
        };
        for word in text.split('.') {
            match word {
                "global" => words.space = Space::Global,
                "shared" => words.space = Space::Shared,
                "local" => words.space = Space::Local,
                "param" => words.is_param = true,
                "volatile" => words.is_volatile = true,
                // How to cache, which changes nothing that can be seen.
                "cg" | "nc" | "ca" | "cs" | "lu" => {}
                "v2" => words.count = 2,
                "v4" => words.count = 4,
                "add" => words.operation = Some(AtomicOp::Add),
                "and" => words.operation = Some(AtomicOp::And),
                "or" => words.operation = Some(AtomicOp::Or),
                "xor" => words.operation = Some(AtomicOp::Xor),
                "min" => words.operation = Some(AtomicOp::Min),
                "max" => words.operation = Some(AtomicOp::Max),
                "exch" => words.operation = Some(AtomicOp::Exchange),
                "cas" => words.operation = Some(AtomicOp::CompareExchange),
                _ if size_of(word).is_some() => words.kind = word,
                _ => return Err(format!("no word of an access: {word}")),
            }
        }
        Ok(words)
    }

    fn size(&self) -> u8 {
        size_of(self.kind).unwrap_or(0) as u8
    }
}

impl Decoder<'_> {
    /// `[%rd1+4]`: the row of the base, its class, and the offset.
    fn address(&mut self, text: &str) -> Result<(Row, Class, i32), String> {
        let inside = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let inside = inside.ok_or_else(|| format!("no address: {text}"))?;
        let (base, offset) = match inside.split_once('+') {
            Some((base, offset)) => {
                let offset = offset
                    .trim()
                    .parse()
                    .map_err(|_| format!("no offset: {text}"))?;
                (base.trim(), offset)
            }
            None => (inside, 0),
        };
        match self.registers.class(base) {
            Some(class) => Ok((self.registers.row(base, class), class, offset)),
            None => {
                let address = self.symbol(base)?;
                Ok((self.registers.constant64(address), Class::R64, offset))
            }
        }
    }

    /// The address of a variable in its own state space.
    pub(super) fn symbol(&mut self, name: &str) -> Result<u64, String> {
        if let Some(at) = self.locals.get(name) {
            return Ok(*at as u64);
        }
        if let Some(address) = self.globals.get(name) {
            return Ok(*address);
        }
        self.shared_offset(name)
            .ok_or_else(|| format!("no variable {name}"))
    }

    /// The offset of an array in shared memory, which gets a place at its first use.
    fn shared_offset(&mut self, name: &str) -> Option<u64> {
        if let Some(at) = self.shared.get(name) {
            return Some(*at as u64);
        }
        let (align, bytes) = *self.module.shared.get(name)?;
        if bytes == 0 {
            // Dynamic memory follows all others, whose sizes are not all known here.
            self.uses_dynamic = true;
            return Some(DYNAMIC_OFFSET);
        }
        let at = self.program.shared_bytes.next_multiple_of(align.max(16));
        self.program.shared_bytes = at + bytes + SHARED_GAP;
        self.shared.insert(name.into(), at);
        Some(at as u64)
    }

    /// The generic address of an array in shared memory.
    pub(super) fn shared_address(&mut self, name: &str) -> Result<u64, String> {
        let offset = self
            .shared_offset(name)
            .ok_or_else(|| format!("no array {name}"))?;
        Ok(SHARED_BASE + offset)
    }

    pub(super) fn load(&mut self, words: &str, texts: &[&str]) -> Result<(), String> {
        let (words, [target, address]) = (Words::parse(words)?, texts) else {
            return Err("two operands expected".into());
        };
        if words.is_param {
            return self.load_parameter(words.kind, target, address);
        }
        let targets = elements(target);
        let is_wide = self.registers.class(targets[0]) == Some(Class::R64);
        let class = if is_wide { Class::R64 } else { Class::R32 };
        let mut rows = Vec::new();
        for name in &targets {
            rows.push(self.registers.operand(name, class, false)?);
        }
        let (base, base_class, n) = self.address(address)?;
        rows.push(base);
        let access = access(&words, targets.len(), is_wide, base_class)?;
        self.push(Op::Load(access), &rows, n);
        Ok(())
    }

    pub(super) fn store(&mut self, words: &str, texts: &[&str]) -> Result<(), String> {
        let (words, [address, source]) = (Words::parse(words)?, texts) else {
            return Err("two operands expected".into());
        };
        if words.is_param {
            let name = address.trim_matches(['[', ']']);
            let kind = format!(".{}", words.kind);
            let (row, class) = self.parameter(name, &kind)?;
            let source = self.registers.operand(source, class, false)?;
            self.mov(class, row, source);
            return Ok(());
        }
        let sources = elements(source);
        let named = sources.iter().find_map(|name| self.registers.class(name));
        let is_wide = match named {
            Some(class) => class == Class::R64,
            None => words.size() == 8,
        };
        let class = if is_wide { Class::R64 } else { Class::R32 };
        let mut rows = Vec::new();
        for name in &sources {
            rows.push(self.registers.operand(name, class, false)?);
        }
        let (base, base_class, n) = self.address(address)?;
        rows.push(base);
        let access = access(&words, sources.len(), is_wide, base_class)?;
        self.push(Op::Store(access), &rows, n);
        Ok(())
    }

    pub(super) fn atomic(&mut self, words: &str, texts: &[&str]) -> Result<(), String> {
        let words = Words::parse(words)?;
        let operation = words.operation.ok_or("no operation")?;
        if words.size() != 4 || words.kind == "s32" || words.kind == "f32" {
            return Err("only unsigned 32 bits".into());
        }
        let [target, address, sources @ ..] = texts else {
            return Err("no address".into());
        };
        let target = self.registers.operand(target, Class::R32, false)?;
        let (base, base_class, n) = self.address(address)?;
        let access = access(&words, 1, false, base_class)?;
        let mut rows = vec![target, base];
        for source in sources {
            rows.push(self.registers.operand(source, Class::R32, false)?);
        }
        let op = Op::Atomic(operation, access);
        if rows.len() != op.operands().len() {
            return Err("operands".into());
        }
        self.push(op, &rows, n);
        Ok(())
    }

    fn load_parameter(&mut self, kind: &str, target: &str, address: &str) -> Result<(), String> {
        let inside = address.trim_matches(['[', ']']);
        let (name, offset) = inside.split_once('+').unwrap_or((inside, "0"));
        let wide_target = self.registers.class(target) == Some(Class::R64);
        let target_class = if wide_target { Class::R64 } else { Class::R32 };
        let target = self.registers.operand(target, target_class, false)?;
        if let Some(at) = self.offsets.get(name) {
            let offset: usize = offset.trim().parse().map_err(|_| "no offset")?;
            let at = (at + offset) as i32;
            match (size_of(kind), wide_target) {
                (Some(8), true) => self.push(Op::Param64, &[target], at),
                (Some(4), false) => self.push(Op::Param32, &[target], at),
                (Some(4), true) => {
                    let half = self.registers.fresh(Class::R32);
                    self.push(Op::Param32, &[half], at);
                    self.push(Op::Widen(crate::program::Widen::Zext), &[target, half], 0);
                }
                _ => return Err("a size that is not known".into()),
            }
            return Ok(());
        }
        let (row, class) = self.parameter(name, &format!(".{kind}"))?;
        if class != target_class {
            return Err("a register of another size".into());
        }
        self.mov(class, target, row);
        Ok(())
    }

    pub(super) fn mov(&mut self, class: Class, target: Row, source: Row) {
        match class {
            Class::R32 => self.push(Op::Unary32(Unary32::Mov), &[target, source], 0),
            Class::R64 => self.push(Op::Unary64(Unary64::Mov), &[target, source], 0),
            Class::Predicate => {
                let op = Op::Predicate(crate::program::PredicateOp::Mov);
                self.push(op, &[target, source, source], 0);
            }
        }
    }
}

/// Bytes between arrays in shared memory, which belong to none.
pub(crate) const SHARED_GAP: usize = 16;

/// Stands for the offset of dynamic memory while a program is decoded.
pub(crate) const DYNAMIC_OFFSET: u64 = 1 << 20;

fn elements(text: &str) -> Vec<&str> {
    let inside = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    inside.map_or_else(
        || vec![text],
        |inside| inside.split(',').map(str::trim).collect(),
    )
}

fn access(words: &Words<'_>, count: usize, is_wide: bool, base: Class) -> Result<Access, String> {
    let known = class_of(&format!(".{}", words.kind)).is_some();
    if !known || usize::from(words.count) != count || (count == 4 && is_wide) {
        return Err(format!("{count} elements of {}", words.kind));
    }
    Ok(Access {
        space: words.space,
        size: words.size(),
        count: words.count,
        is_wide,
        is_short: base == Class::R32,
        is_volatile: words.is_volatile,
        is_signed: words.kind.starts_with('s'),
    })
}
