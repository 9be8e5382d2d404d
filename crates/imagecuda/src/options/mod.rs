//! The data of the callers' options. The modules `load` and `save` have their methods that load and
//! save.

mod load;
mod save;
mod tensor;

pub(crate) use self::load::Reduction;
pub use self::{
    load::{JpegDecoder, LoadOptions, PngDecoder, Scale, VideoDecoder},
    save::{Channels, Compression, Depth, JpegEncoder, PngEncoder, SaveOptions, Subsampling},
    tensor::{TensorFit, TensorOptions},
};
