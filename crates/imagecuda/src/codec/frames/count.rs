//! How many pictures a file has, by its structure alone.

use crate::Format;
#[cfg(feature = "gif")]
use crate::codec::gif;
#[cfg(feature = "webp")]
use crate::codec::webp_anim;

/// As far as the file goes: of one that is cut short, those that begin in it.
pub(crate) fn count(format: Format, bytes: &[u8]) -> u32 {
    match format {
        #[cfg(feature = "gif")]
        Format::Gif => {
            let images = gif::blocks(bytes).filter(|block| block.kind == gif::IMAGE);
            (images.count() as u32).max(1)
        }
        #[cfg(feature = "png")]
        Format::Png => super::apng::count(bytes).max(1),
        #[cfg(feature = "tiff")]
        Format::Tiff => super::pages::count(bytes),
        #[cfg(feature = "webp")]
        Format::WebP if webp_anim::is_animated(bytes) => webp_anim::count(bytes).max(1),
        _ => 1,
    }
}
