//! Reading PTX: an index of a module's text, and functions as instructions.

mod call;
mod function;
mod memory;
mod module;
mod opcode;
mod registers;
mod special;
mod text;

pub(crate) use {
    function::decode,
    memory::{DYNAMIC_OFFSET, SHARED_GAP},
    module::Module,
};
