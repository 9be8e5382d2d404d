//! Encoding: filters, matches, Huffman codes and checksums, in parts that know little of each
//! other. Every device writes the same bytes.
//!
//! The rows of a picture, each with its filter's number before it, are one string of *filtered
//! bytes*. It is cut into **chunks** of [`CHUNK`](scanlines::CHUNK) bytes, whatever the rows. A
//! chunk is searched for matches that do not leave it. [`BLOCK`](scanlines::BLOCK) chunks make a
//! **block** of Deflate, with Huffman codes of its own. Blocks follow each other bit after bit.
//!
//! - [`scanlines`]: a picture as filtered bytes, chunks and blocks; [`filter`]: the filters.
//! - [`mod@matches`]: what was there before; [`tokens`]: literals and matches, from any byte on.
//! - [`huffman`]: codes; [`header`]: how a block says what its codes are; [`bits`]: codes to memory.
//! - [`checksum`]: Adler-32 and CRC-32 of parts, and how they are joined.
//! - [`jobs`]: the arguments of the kernels.
//! - `cpu_emulation`: the kernels on the CPU.

pub mod bits;
pub mod checksum;
#[cfg(not(target_arch = "nvptx64"))]
pub mod cpu_emulation;
pub mod filter;
pub mod header;
pub mod huffman;
pub mod jobs;
pub mod matches;
pub mod scanlines;
pub mod tokens;
