//! JPEG files of all kinds that a decoder must take, and what libjpeg-turbo makes of them.

mod content;
mod crowded;
mod damage;
mod encoders;
mod flat;
mod huffman;
mod made;
mod rare;
mod reference;
mod scans;
mod unusual;
mod writer;

pub use self::{
    crowded::crowded,
    damage::{damaged, first_scan, with_height_behind},
    encoders::encoded,
    flat::{flat, flat_and_refined},
    made::{Jpeg, pair, random, soft},
    rare::{RARE, hash},
    reference::{Picture, Reference, difference, reference, reference_at},
    unusual::unusual,
};
