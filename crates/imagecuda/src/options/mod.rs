//! The data of the callers' options. What they do is in `load` and `save`.

mod load;
mod save;

pub use self::{
    load::{JpegDecoder, LoadOptions, PngDecoder},
    save::{Channels, Compression, Depth, JpegEncoder, SaveOptions, Subsampling},
};
