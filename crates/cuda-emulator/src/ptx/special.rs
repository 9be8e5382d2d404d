//! Opcodes whose operands are not plain registers.

use super::{function::Decoder, text::operands};
use crate::{
    memory::SHARED_BASE,
    program::{Binary32, Binary64, Class, Op, PredicateOp, Row, ShuffleMode, Special},
};

impl Decoder<'_> {
    pub(super) fn special(&mut self, opcode: &str, texts: &[&str]) -> Result<(), String> {
        if let Some(words) = opcode.strip_prefix("ld.") {
            return self.load(words, texts);
        }
        if let Some(words) = opcode.strip_prefix("st.") {
            return self.store(words, texts);
        }
        if let Some(words) = opcode.strip_prefix("atom.") {
            return self.atomic(words, texts);
        }
        match (opcode, texts) {
            ("exit", []) => self.push(Op::Exit, &[], 0),
            ("trap", []) => self.push(Op::Trap, &[], 0),
            ("bar.sync", ["0"]) => self.push(Op::Barrier, &[], 0),
            ("bar.red.or.pred", [target, "0", source]) => {
                self.collective(Op::BarrierOr, &[target, source])?;
            }
            // Threads take turns here, so each sees at once what another has written.
            ("membar.gl", []) => {}
            ("bar.warp.sync", ["-1"]) => self.push(Op::WarpBarrier, &[], 0),
            ("vote.sync.any.pred", [target, source, "-1"]) => {
                self.collective(Op::VoteAny, &[target, source])?;
            }
            ("vote.sync.all.pred", [target, source, "-1"]) => {
                self.collective(Op::VoteAll, &[target, source])?;
            }
            ("vote.sync.ballot.b32", [target, source, "-1"]) => {
                self.collective(Op::VoteBallot, &[target, source])?;
            }
            ("shfl.sync.up.b32", [rest @ .., "-1"]) => self.shuffle(ShuffleMode::Up, rest)?,
            ("shfl.sync.down.b32", [rest @ .., "-1"]) => self.shuffle(ShuffleMode::Down, rest)?,
            ("shfl.sync.bfly.b32", [rest @ .., "-1"]) => self.shuffle(ShuffleMode::Xor, rest)?,
            ("shfl.sync.idx.b32", [rest @ .., "-1"]) => self.shuffle(ShuffleMode::Index, rest)?,
            ("not.pred", [target, source]) => {
                self.collective(Op::Predicate(PredicateOp::Not), &[target, source, source])?;
            }
            ("cvta.shared.u64", [target, name]) => {
                let address = self.shared_address(name)?;
                let source = self.registers.constant64(address);
                let target = self.registers.operand(target, Class::R64, false)?;
                self.mov(Class::R64, target, source);
            }
            ("cvta.to.shared.u64", [target, source]) => {
                let target = self.registers.operand(target, Class::R64, false)?;
                let source = self.registers.operand(source, Class::R64, false)?;
                let base = self.registers.constant64(SHARED_BASE);
                self.push(Op::Binary64(Binary64::Sub), &[target, source, base], 0);
            }
            ("cvta.to.global.u64", [target, source]) => {
                self.plain_mov(Class::R64, target, source)?
            }
            ("mov.pred", [target, source]) => self.plain_mov(Class::Predicate, target, source)?,
            ("mov.b16" | "mov.u16", [target, source]) => {
                let source = self.registers.operand(source, Class::R32, true)?;
                let target = self.registers.operand(target, Class::R32, true)?;
                self.mov(Class::R32, target, source);
            }
            ("mov.b32" | "mov.u32" | "mov.f32", [target, source]) => self.mov32(target, source)?,
            ("mov.b64" | "mov.u64", [target, source]) => self.mov64(target, source)?,
            _ => return Err("an opcode that is not known".into()),
        }
        Ok(())
    }

    /// An instruction whose operands are registers or numbers in the order of the rows.
    fn collective(&mut self, op: Op, texts: &[&str]) -> Result<(), String> {
        let mut rows: Vec<Row> = Vec::new();
        for (kind, text) in op.operands().iter().zip(texts) {
            let (crate::program::Operand::Read(class) | crate::program::Operand::Write(class)) =
                *kind;
            rows.push(self.registers.operand(text, class, false)?);
        }
        self.push(op, &rows, 0);
        Ok(())
    }

    fn shuffle(&mut self, mode: ShuffleMode, texts: &[&str]) -> Result<(), String> {
        if texts.len() != 4 {
            return Err("four operands and a mask".into());
        }
        self.collective(Op::Shuffle(mode), texts)
    }

    fn plain_mov(&mut self, class: Class, target: &str, source: &str) -> Result<(), String> {
        let source = self.registers.operand(source, class, false)?;
        let target = self.registers.operand(target, class, false)?;
        self.mov(class, target, source);
        Ok(())
    }

    fn mov32(&mut self, target: &str, source: &str) -> Result<(), String> {
        let pair = |text: &str| -> Option<[String; 2]> {
            let inside = text.strip_prefix('{')?.strip_suffix('}')?;
            let parts: Vec<String> = operands(inside).into_iter().map(str::to_owned).collect();
            parts.try_into().ok()
        };
        if let Some([low, high]) = pair(target) {
            return self.collective(Op::Unpack16, &[&low, &high, source]);
        }
        if let Some([low, high]) = pair(source) {
            return self.collective(Op::Binary32(Binary32::Pack16), &[target, &low, &high]);
        }
        if let Some(special) = special_register(source) {
            let target = self.registers.operand(target, Class::R32, false)?;
            self.push(Op::Special(special), &[target], 0);
            return Ok(());
        }
        let is_register = self.registers.class(source).is_some();
        if !is_register && super::text::number(source).is_none() {
            let address = self.symbol(source)? as u32;
            let source = self.registers.constant32(address);
            let target = self.registers.operand(target, Class::R32, false)?;
            self.mov(Class::R32, target, source);
            return Ok(());
        }
        self.plain_mov(Class::R32, target, source)
    }

    fn mov64(&mut self, target: &str, source: &str) -> Result<(), String> {
        if let Some(inside) = target
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
        {
            let parts = operands(inside);
            let [low, high] = parts[..] else {
                return Err("two halves expected".into());
            };
            return self.collective(Op::Unpack32, &[low, high, source]);
        }
        let is_register = self.registers.class(source).is_some();
        if is_register || super::text::number(source).is_some() {
            return self.plain_mov(Class::R64, target, source);
        }
        let address = self.symbol(source)?;
        let source = self.registers.constant64(address);
        let target = self.registers.operand(target, Class::R64, false)?;
        self.mov(Class::R64, target, source);
        Ok(())
    }
}

fn special_register(name: &str) -> Option<Special> {
    Some(match name {
        "%tid.x" => Special::TidX,
        "%tid.y" => Special::TidY,
        "%ctaid.x" => Special::CtaidX,
        "%ctaid.y" => Special::CtaidY,
        "%ctaid.z" => Special::CtaidZ,
        "%ntid.x" => Special::NtidX,
        "%ntid.y" => Special::NtidY,
        "%nctaid.x" => Special::NctaidX,
        "%nctaid.y" => Special::NctaidY,
        "%nctaid.z" => Special::NctaidZ,
        "%laneid" => Special::LaneId,
        "%dynamic_smem_size" => Special::DynamicSharedSize,
        _ => return None,
    })
}
