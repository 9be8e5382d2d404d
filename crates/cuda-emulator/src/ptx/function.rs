//! A kernel's text as a program.

use super::{
    call::{Call, callees},
    module::{FunctionText, Module},
    opcode,
    registers::{Registers, class_of},
    text::{self, Variable, operands},
};
use crate::{
    allocation,
    program::{CONSTANT, Class, Instruction, Op, Operand, Program, Row},
};
use std::collections::HashMap;

/// Decodes the kernel `name`. `globals` are the addresses of the module's variables.
pub(crate) fn decode(
    module: &Module,
    name: &str,
    globals: &HashMap<String, u64>,
) -> Result<Program, String> {
    let mut order = Vec::new();
    callees(module, name, &mut Vec::new(), &mut order)?;
    let mut decoder = Decoder::new(module, globals);
    for name in order {
        let function = &module.functions[&name];
        decoder
            .function(function)
            .map_err(|message| format!("{name}: {message}"))?;
    }
    decoder.finish(name)
}

/// Where a function begins and what it takes and gives.
struct Callee {
    start: u32,
    parameters: Vec<(Row, Class)>,
    result: Option<(Row, Class)>,
    /// Where the caller goes on.
    back: Row,
}

pub(super) struct Decoder<'m> {
    pub(super) module: &'m Module,
    pub(super) globals: &'m HashMap<String, u64>,
    pub(super) registers: Registers,
    pub(super) program: Program,
    /// Names of variables in shared memory that are used, and their offsets.
    pub(super) shared: HashMap<String, usize>,
    pub(super) uses_dynamic: bool,
    callees: HashMap<String, Callee>,
    /// Variables in local memory, of the function at hand, as are all that follow.
    pub(super) locals: HashMap<String, usize>,
    /// Offsets of an entry's parameters.
    pub(super) offsets: HashMap<String, usize>,
    labels: HashMap<String, u32>,
    /// Lists of labels, by their own label.
    lists: HashMap<String, Vec<String>>,
    /// Instructions that go to labels.
    jumps: Vec<(usize, String)>,
    back: Row,
    pub(super) line: u32,
}

impl<'m> Decoder<'m> {
    fn new(module: &'m Module, globals: &'m HashMap<String, u64>) -> Self {
        Self {
            module,
            globals,
            registers: Registers::default(),
            program: Program::default(),
            shared: HashMap::new(),
            uses_dynamic: false,
            callees: HashMap::new(),
            locals: HashMap::new(),
            offsets: HashMap::new(),
            labels: HashMap::new(),
            lists: HashMap::new(),
            jumps: Vec::new(),
            back: 0,
            line: 0,
        }
    }

    fn function(&mut self, function: &FunctionText) -> Result<(), String> {
        self.registers.enter_function();
        self.locals.clear();
        self.offsets.clear();
        self.labels.clear();
        self.lists.clear();
        let start = self.program.code.len() as u32;
        self.back = self.registers.fresh(Class::R32);
        if function.is_entry {
            self.program.entry = start;
            self.lay_out(function);
        } else {
            let callee = self.callee(function, start);
            self.callees.insert(function.name.clone(), callee);
            self.program.functions.push((start, function.name.clone()));
        }
        self.line = function.line;
        let module = self.module;
        for piece in module.text[function.body.clone()].split(';') {
            let text = self.labels_of(piece);
            let before = piece.len() - piece.trim_start().len();
            self.line += piece[..before].matches('\n').count() as u32;
            self.statement(text)
                .map_err(|message| format!("{text}: {message}"))?;
            self.line += piece[before..].matches('\n').count() as u32;
        }
        self.resolve()
    }

    /// Notes the labels at the beginning of a statement, and gives the rest.
    fn labels_of(&mut self, piece: &'m str) -> &'m str {
        let (at, mut last) = (self.program.code.len() as u32, "");
        let rest = text::strip_labels(piece, |label| {
            self.labels.insert(label.into(), at);
            last = label;
        });
        match rest.strip_prefix(".branchtargets") {
            Some(list) => {
                let list = operands(list).into_iter().map(str::to_owned).collect();
                self.lists.insert(last.into(), list);
                ""
            }
            None => rest,
        }
    }

    fn lay_out(&mut self, function: &FunctionText) {
        let mut at = 0usize;
        for parameter in &function.parameters {
            at = at.next_multiple_of(parameter.align);
            self.offsets.insert(parameter.name.clone(), at);
            self.program.parameters.push((at, parameter.bytes));
            at += parameter.bytes;
        }
        self.program.parameter_bytes = at;
    }

    fn callee(&mut self, function: &FunctionText, start: u32) -> Callee {
        let mut row = |parameter: &super::module::Parameter| {
            let class = if parameter.bytes == 8 {
                Class::R64
            } else {
                Class::R32
            };
            (self.registers.row(&parameter.name, class), class)
        };
        Callee {
            start,
            parameters: function.parameters.iter().map(&mut row).collect(),
            result: function.result.as_ref().map(row),
            back: self.back,
        }
    }

    fn statement(&mut self, text: &str) -> Result<(), String> {
        if text.is_empty() || text.starts_with(".pragma") {
            return Ok(());
        }
        if text.starts_with(".reg") {
            return self.registers.declare(text);
        }
        if text.starts_with('.') {
            return self.variable(text);
        }
        let (predicate, text) = match text.strip_prefix('@') {
            Some(rest) => {
                let (predicate, rest) = rest.split_once(char::is_whitespace).ok_or("no opcode")?;
                (Some(predicate), rest.trim())
            }
            None => (None, text),
        };
        let (opcode, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        // A hint, which changes nothing that can be seen.
        if opcode.starts_with("prefetch") {
            return Ok(());
        }
        match predicate {
            Some(predicate) => self.predicated(predicate, opcode, rest.trim()),
            None => self.instruction(opcode, &operands(rest)),
        }
    }

    fn variable(&mut self, text: &str) -> Result<(), String> {
        let variable = Variable::parse(text)?;
        if text.starts_with(".local") {
            let at = self.program.local_bytes.next_multiple_of(variable.align);
            self.program.local_bytes = at + variable.bytes();
            self.locals.insert(variable.name.into(), at);
            return Ok(());
        }
        // A parameter of a call, which is a register here. Its class is that of its first use.
        match text.starts_with(".param") && variable.count == 1 {
            true => Ok(()),
            false => Err("a declaration that is not known".into()),
        }
    }

    /// An instruction that only threads execute for which a predicate holds. The others branch over it, or do
    /// not branch if it is a branch.
    fn predicated(&mut self, predicate: &str, opcode: &str, rest: &str) -> Result<(), String> {
        let (is_negated, name) = match predicate.strip_prefix('!') {
            Some(name) => (true, name),
            None => (false, predicate),
        };
        let row = self.registers.operand(name, Class::Predicate, false)?;
        let is_branch = opcode == "bra" || opcode == "bra.uni";
        let op = match is_negated == is_branch {
            true => Op::BranchUnless,
            false => Op::BranchIf,
        };
        let at = self.program.code.len();
        self.push(op, &[row], 0);
        if is_branch {
            self.jumps.push((at, rest.into()));
            return Ok(());
        }
        match opcode {
            "exit" => self.push(Op::Exit, &[], 0),
            _ => self.instruction(opcode, &operands(rest))?,
        }
        self.program.code[at].n = self.program.code.len() as i32;
        Ok(())
    }

    pub(super) fn push(&mut self, op: Op, rows: &[Row], n: i32) {
        let mut all = [0; 5];
        all[..rows.len()].copy_from_slice(rows);
        self.program.code.push(Instruction {
            op,
            rows: all,
            n,
            line: self.line,
        });
    }

    fn instruction(&mut self, opcode: &str, texts: &[&str]) -> Result<(), String> {
        if let Some(form) = opcode::find(opcode) {
            let kinds = form.op.operands();
            if kinds.len() != texts.len() {
                return Err(format!("{} operands", texts.len()));
            }
            let mut rows = [0; 5];
            for ((row, kind), text) in rows.iter_mut().zip(kinds).zip(texts) {
                let (Operand::Read(class) | Operand::Write(class)) = *kind;
                *row = self.registers.operand(text, class, form.is_16)?;
            }
            if form.is_swapped {
                rows.swap(1, 2);
            }
            if rows[0] & CONSTANT != 0 {
                return Err("writes a number".into());
            }
            self.push(form.op, &rows[..kinds.len()], 0);
            return Ok(());
        }
        match opcode {
            "call.uni" => self.call(&texts.join(", ")),
            "ret" => {
                // A kernel's threads end.
                let op = if self.offsets.is_empty() && self.is_function() {
                    Op::Return
                } else {
                    Op::Exit
                };
                self.push(op, &[self.back][..op.operands().len()], 0);
                Ok(())
            }
            "bra" | "bra.uni" => {
                let label = *texts.first().ok_or("no label")?;
                self.jumps.push((self.program.code.len(), label.into()));
                self.push(Op::Branch, &[], 0);
                Ok(())
            }
            "brx.idx" => self.branch_table(texts),
            _ => self.special(opcode, texts),
        }
    }

    fn is_function(&self) -> bool {
        self.program
            .functions
            .last()
            .is_some_and(|(_, name)| self.callees[name].back == self.back)
    }

    fn branch_table(&mut self, texts: &[&str]) -> Result<(), String> {
        let [index, list] = texts else {
            return Err("no table".into());
        };
        let index = self.registers.operand(index, Class::R32, false)?;
        // The list is known, as it stands before the branch; its labels are not yet.
        let table = self.program.tables.len() as i32;
        self.program.tables.push(Vec::new());
        self.jumps.push((self.program.code.len(), (*list).into()));
        self.push(Op::BranchTable, &[index], table);
        Ok(())
    }

    fn call(&mut self, text: &str) -> Result<(), String> {
        let call = Call::parse(text)?;
        let callee = self.callees.get(call.function).ok_or("not known")?;
        let (start, back, result) = (callee.start as i32, callee.back, callee.result);
        let parameters = callee.parameters.clone();
        if parameters.len() != call.arguments.len() {
            return Err("other arguments than declared".into());
        }
        for (argument, (row, class)) in call.arguments.into_iter().zip(parameters) {
            let source = self.registers.row(argument, class);
            self.mov(class, row, source);
        }
        self.push(Op::Call, &[back], start);
        if let (Some(name), Some((row, class))) = (call.result, result) {
            let target = self.registers.row(name, class);
            self.mov(class, target, row);
        }
        Ok(())
    }

    /// Sets the targets of the function's branches.
    fn resolve(&mut self) -> Result<(), String> {
        for (at, label) in std::mem::take(&mut self.jumps) {
            let find = |label: &str| {
                let target = self.labels.get(label).copied();
                target.ok_or_else(|| format!("no label {label}"))
            };
            if self.program.code[at].op == Op::BranchTable {
                let list = self
                    .lists
                    .get(&label)
                    .ok_or_else(|| format!("no list {label}"))?;
                let targets = list
                    .iter()
                    .map(|label| find(label))
                    .collect::<Result<_, _>>()?;
                let table = self.program.code[at].n as usize;
                self.program.tables[table] = targets;
            } else {
                self.program.code[at].n = find(&label)? as i32;
            }
        }
        // Not reached by valid code, and a label may stand here.
        self.push(Op::Trap, &[], 0);
        Ok(())
    }

    fn finish(mut self, name: &str) -> Result<Program, String> {
        self.program.name = name.into();
        self.program.constants32 = std::mem::take(&mut self.registers.values32);
        self.program.constants64 = std::mem::take(&mut self.registers.values64);
        let mut places: Vec<_> = self
            .shared
            .iter()
            .map(|(name, at)| {
                let bytes = self.module.shared[name].1;
                (*at, bytes, name.clone())
            })
            .collect();
        places.sort();
        self.program.shared = places;
        let counts = |class| self.registers.counts.get(&class).copied().unwrap_or(0);
        allocation::allocate(
            &mut self.program,
            [Class::R32, Class::R64, Class::Predicate].map(counts),
        );
        Ok(self.program)
    }

    /// The row of a parameter of a call or of a function.
    pub(super) fn parameter(&mut self, name: &str, kind: &str) -> Result<(Row, Class), String> {
        let class = class_of(kind).ok_or("no type")?;
        Ok((self.registers.row(name, class), class))
    }
}
