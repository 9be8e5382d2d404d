//! Opcodes whose operands stand in the order of the rows.

use crate::program::{
    Binary32 as B, Binary64 as D, Compare32 as C, Compare64 as E, Narrow, Op, PredicateOp,
    Ternary32 as T, Unary32 as U, Unary64, Widen,
};

/// An opcode: what it does, and whether its two sources change places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) op: Op,
    pub(super) is_swapped: bool,
    /// Whether whole numbers in the text have 16 bits.
    pub(super) is_16: bool,
}

pub(super) fn find(opcode: &str) -> Option<Form> {
    let is_16 = [".s16", ".u16", ".b16"]
        .iter()
        .any(|end| opcode.ends_with(end));
    let (op, is_swapped) = match opcode.strip_prefix("setp.") {
        Some(rest) => comparison(rest)?,
        None => (
            binary32(opcode)
                .map(Op::Binary32)
                .or_else(|| unary32(opcode).map(Op::Unary32))
                .or_else(|| ternary32(opcode).map(Op::Ternary32))
                .or_else(|| wide(opcode))
                .or_else(|| other(opcode))?,
            false,
        ),
    };
    Some(Form {
        op,
        is_swapped,
        is_16,
    })
}

fn binary32(opcode: &str) -> Option<B> {
    Some(match opcode {
        "add.s32" | "add.u32" => B::Add,
        "sub.s32" | "sub.u32" => B::Sub,
        // The product of two 16-bit numbers has 32 bits.
        "mul.lo.s32" | "mul.lo.u32" | "mul.wide.u16" => B::Mul,
        "mul.hi.u32" => B::MulHi,
        "add.s16" | "add.u16" => B::Add16,
        "sub.s16" | "sub.u16" => B::Sub16,
        "mul.lo.s16" | "mul.lo.u16" => B::Mul16,
        "and.b32" | "and.b16" => B::And,
        "or.b32" | "or.b16" => B::Or,
        "xor.b32" | "xor.b16" => B::Xor,
        "min.u32" | "min.u16" => B::MinU,
        "min.s32" => B::MinS,
        "max.u32" | "max.u16" => B::MaxU,
        "max.s32" => B::MaxS,
        "shl.b32" => B::Shl,
        "shl.b16" => B::Shl16,
        "shr.u32" | "shr.b32" | "shr.u16" | "shr.b16" => B::ShrU,
        "shr.s32" => B::ShrS,
        "div.u32" | "div.u16" => B::DivU,
        "rem.u32" | "rem.u16" => B::RemU,
        "add.rn.f32" => B::AddF,
        "sub.rn.f32" => B::SubF,
        "mul.rn.f32" => B::MulF,
        "div.rn.f32" => B::DivF,
        "min.f32" => B::MinF,
        "max.f32" => B::MaxF,
        "copysign.f32" => B::CopySignF,
        _ => return None,
    })
}

fn unary32(opcode: &str) -> Option<U> {
    Some(match opcode {
        "not.b32" => U::Not,
        "not.b16" => U::Not16,
        "neg.s32" => U::Neg,
        "neg.s16" => U::Neg16,
        "abs.s32" => U::Abs,
        "abs.s16" => U::Abs16,
        "brev.b32" => U::Brev,
        "clz.b32" => U::Clz,
        "popc.b32" => U::Popc,
        "cvt.s16.s8" => U::Sext8To16,
        "cvt.s32.s16" => U::Sext16,
        "cvt.u16.u32" => U::Low16,
        "cvt.u32.u16" => U::Mov,
        "abs.f32" => U::AbsF,
        "neg.f32" => U::NegF,
        "rcp.rn.f32" => U::RcpF,
        "cvt.rn.f32.s32" => U::FloatOfS32,
        "cvt.rn.f32.u32" | "cvt.rn.f32.u16" => U::FloatOfU32,
        "cvt.rzi.s32.f32" => U::S32OfFloat,
        "cvt.rn.f16.f32" => U::HalfOfFloat,
        _ => return None,
    })
}

fn ternary32(opcode: &str) -> Option<T> {
    Some(match opcode {
        "mad.lo.s32" | "mad.lo.u32" => T::Mad,
        "mad.lo.s16" | "mad.lo.u16" => T::Mad16,
        "bfe.u32" => T::BfeU,
        "bfe.s32" => T::BfeS,
        "shf.l.wrap.b32" => T::ShfL,
        "shf.r.wrap.b32" => T::ShfR,
        "prmt.b32" => T::Prmt,
        _ => return None,
    })
}

fn wide(opcode: &str) -> Option<Op> {
    Some(match opcode {
        "add.s64" | "add.u64" => Op::Binary64(D::Add),
        "sub.s64" | "sub.u64" => Op::Binary64(D::Sub),
        "mul.lo.s64" | "mul.lo.u64" => Op::Binary64(D::Mul),
        "mul.hi.u64" => Op::Binary64(D::MulHi),
        "and.b64" => Op::Binary64(D::And),
        "or.b64" => Op::Binary64(D::Or),
        "xor.b64" => Op::Binary64(D::Xor),
        "min.u64" => Op::Binary64(D::MinU),
        "max.u64" => Op::Binary64(D::MaxU),
        "div.u64" => Op::Binary64(D::DivU),
        "rem.u64" => Op::Binary64(D::RemU),
        "not.b64" => Op::Unary64(Unary64::Not),
        "cvt.s64.s32" => Op::Unary64(Unary64::SextLow),
        "shl.b64" => Op::Shl64,
        "shr.u64" | "shr.b64" => Op::ShrU64,
        "mad.lo.s64" | "mad.lo.u64" => Op::Mad64,
        "bfe.u64" => Op::BfeU64,
        "mul.wide.u32" => Op::MulWide,
        "cvt.u32.u64" => Op::Narrow(Narrow::Low32),
        "cvt.u16.u64" => Op::Narrow(Narrow::Low16),
        "popc.b64" => Op::Narrow(Narrow::Popc),
        "cvt.rn.f32.u64" => Op::Narrow(Narrow::FloatOfU64),
        "cvt.u64.u32" | "cvt.u64.u16" => Op::Widen(Widen::Zext),
        "cvt.rzi.u64.f32" => Op::Widen(Widen::U64OfFloat),
        _ => return None,
    })
}

fn other(opcode: &str) -> Option<Op> {
    Some(match opcode {
        "and.pred" => Op::Predicate(PredicateOp::And),
        "or.pred" => Op::Predicate(PredicateOp::Or),
        "xor.pred" => Op::Predicate(PredicateOp::Xor),
        "selp.b16" | "selp.b32" | "selp.f32" | "selp.u32" | "selp.s32" => Op::Select32,
        "selp.b64" | "selp.u64" | "selp.s64" => Op::Select64,
        _ => return None,
    })
}

/// What follows `setp.`, such as `gt.u32`.
fn comparison(text: &str) -> Option<(Op, bool)> {
    let (relation, kind) = text.split_once('.')?;
    let is_wide = matches!(kind, "b64" | "u64" | "s64");
    if is_wide {
        let (op, is_swapped) = match (relation, kind) {
            ("eq", _) => (E::Eq, false),
            ("ne", _) => (E::Ne, false),
            ("lt", "u64") => (E::LtU, false),
            ("le", "u64") => (E::LeU, false),
            ("gt", "u64") => (E::LtU, true),
            ("ge", "u64") => (E::LeU, true),
            ("lt", "s64") => (E::LtS, false),
            ("le", "s64") => (E::LeS, false),
            ("gt", "s64") => (E::LtS, true),
            ("ge", "s64") => (E::LeS, true),
            _ => return None,
        };
        return Some((Op::Compare64(op), is_swapped));
    }
    let (op, is_swapped) = match (relation, kind) {
        ("eq", "f32") => (C::EqF, false),
        ("neu", "f32") => (C::NeuF, false),
        ("lt", "f32") => (C::LtF, false),
        ("le", "f32") => (C::LeF, false),
        ("gt", "f32") => (C::LtF, true),
        ("ge", "f32") => (C::LeF, true),
        ("ltu", "f32") => (C::LtuF, false),
        ("leu", "f32") => (C::LeuF, false),
        ("gtu", "f32") => (C::LtuF, true),
        ("geu", "f32") => (C::LeuF, true),
        ("nan", "f32") => (C::NanF, false),
        (_, "f32") => return None,
        ("eq", _) => (C::Eq, false),
        ("ne", _) => (C::Ne, false),
        ("lt", "u32" | "u16") => (C::LtU, false),
        ("le", "u32" | "u16") => (C::LeU, false),
        ("gt", "u32" | "u16") => (C::LtU, true),
        ("ge", "u32" | "u16") => (C::LeU, true),
        ("lt", "s32") => (C::LtS, false),
        ("le", "s32") => (C::LeS, false),
        ("gt", "s32") => (C::LtS, true),
        ("ge", "s32") => (C::LeS, true),
        ("lt", "s16") => (C::LtS16, false),
        ("gt", "s16") => (C::LtS16, true),
        _ => return None,
    };
    Some((Op::Compare32(op), is_swapped))
}
