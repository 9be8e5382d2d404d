//! The decoder of a picture's data that many threads run at once.
//!
//! # The problem
//!
//! The data of a PNG are one stream of deflate (RFC 1951): blocks of codes without gaps, each block
//! with codes of its own. Where the next code begins is known only once the current one is read, and
//! where the next block begins only at the end of this one. Matches copy bytes from up to 32 KB
//! back, and filters add the bytes to the left and above.
//!
//! But a block with dynamic codes begins with a header that hardly any other bits look like, so
//! headers can be searched for. And Huffman codes *synchronise themselves*: a decoder that starts at
//! a wrong bit soon ends a code where the correct decoder ends one too.
//!
//! # Glossary
//!
//! - **data**: the zlib stream, which the pieces in IDAT chunks are joined to.
//! - **candidate**: a bit at which a header of a block with dynamic codes can begin.
//! - **range**: the codes from a header up to the next candidate, or further if that was none. A run
//!   of blocks with fixed codes is one range. Range 0 is what is before the first block.
//! - **section**: 120 subsequences of a range. A thread block decodes it.
//! - **subsequence**: 512 bits of a range. A thread decodes it.
//! - **warm-up**: 8 subsequences before a section, which its thread block decodes too, so that
//!   decoders are in step when they reach the section.
//! - **entry** and **exit**: where the first code of a section or subsequence begins, and the first
//!   one behind it. That is all of a decoder's state.
//! - **chain**: the ranges from the start of the data to their end. Each begins where the one before
//!   it, or a stored block between the two, ends.
//! - **round**: a pass over the ranges that are new. Ranges which only the chain tells of, those of
//!   fixed codes and those behind a false candidate, are decoded in the next one.
//! - **token**: a literal, or the distance of a match, at the place of its first byte.
//! - **link**: where a byte is copied from. Links lead to earlier bytes, so they end.
//! - **tile**: 4,096 bytes, whose matches a thread block resolves.
//! - **plane**: the first bytes of all pixels, the second ones, and so on. A filter does not mix
//!   planes.
//! - **strip**: 8 to 32 rows. It begins with a row that does not depend on the one above, where
//!   there is one.
//!
//! # The algorithm
//!
//! ```text
//! png_gather: a thread for each word
//!     join the pieces of the data
//!
//! png_find: a thread for four words, 32 positions of each at once
//!     block type 2, counts of codes that exist, a complete code for code lengths
//!
//! png_check: a thread for each position that is left
//!     table of the code for code lengths
//!     rounds: read 32 codes where there may be a header, by as few warps as possible
//!     both codes have to be complete; candidates += position
//!     read what the rounds of the right ones have read, all at once: lengths
//!
//! png_tables: a thread block for each candidate
//!     rank among the candidates; table of its codes; range up to the next candidate; its sections
//!
//! rounds, one at first and more if that was not enough:
//!     png_synchronize: a thread block for each new section, a thread for each subsequence
//!         entry = first bit of the subsequence
//!         loop: decode from the entry: exit, bytes, end of the block
//!             entry = exit of the thread before; until no entry changes
//!     png_resynchronize: the same for sections whose entry is not the exit of the section before
//!     png_chain: one thread block
//!         a range's bytes, and where its block ends; every entry is the exit before it, or it is apart
//!         what follows: stored blocks, then the candidate at that very bit, or a new range
//!         places of the ranges: pointers of range 0 to all others, each step twice as far
//!         done if range 0 leads to the last block, with all bytes of the picture, at the end
//!
//! png_write: as png_synchronize, but from known entries: tokens; and stored blocks
//! png_expand: a thread block for each tile: links, resolved as far as they stay in the tile
//! png_jump: shorten links that lead to other tiles, up to 16 at once
//! png_pack: follow links to the end: planes, filters, sums of Adler-32
//! png_strips: one thread block: compare Adler-32; group rows
//! png_unfilter: a warp for each strip of a plane, a thread for each row and for the one above the strip
//!     each row is two bytes behind the one above, which a shuffle hands down
//!     the last row is handed to the next strip in memory, each word with a mark that it is there
//! png_pixels: planes to pixels: palette, transparency, small samples, byte order
//! ```
//!
//! Nothing is guessed in what is written. The start of the data is known, each entry is the exit
//! before it, each block begins where the one before it ends, the bytes are as many as the picture
//! has, and their checksum is right. Otherwise the [`status`](work::status) is not 0, and the host
//! decodes the file.
//!
//! A kernel never writes the word that it decides by: other threads of the same launch might read
//! either value, and part of a thread block would leave before a barrier. Kernels of many thread
//! blocks set bits of another word, which the next kernel of one thread block merges.

mod bits;
pub mod chain;
pub mod check;
pub mod copies;
pub mod find;
mod follow;
mod header;
pub mod job;
pub mod launches;
mod lengths;
pub mod pack;
pub mod picture;
pub mod pixels;
pub mod synchronize;
pub mod tables;
pub mod unfilter;
mod wavefront;
pub mod work;
pub mod write;
