//! The decoder of a picture's data that many threads run at once.

mod bits;
pub mod chain;
pub mod copies;
pub mod find;
mod follow;
mod header;
pub mod job;
pub mod launches;
pub mod pack;
pub mod picture;
pub mod pixels;
pub mod synchronize;
pub mod tables;
pub mod unfilter;
pub mod work;
pub mod write;
