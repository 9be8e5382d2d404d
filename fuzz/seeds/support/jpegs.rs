//! Without the parts that want other decoders and encoders.

#[path = "../../../tests/support/jpegs/content.rs"]
mod content;
#[path = "../../../tests/support/jpegs/huffman.rs"]
mod huffman;
#[path = "../../../tests/support/jpegs/made.rs"]
mod made;
#[path = "../../../tests/support/jpegs/rare.rs"]
mod rare;
#[path = "../../../tests/support/jpegs/scans.rs"]
mod scans;
#[path = "../../../tests/support/jpegs/writer.rs"]
mod writer;

pub(crate) use self::{made::random, rare::RARE};
