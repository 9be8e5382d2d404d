//! Files to images: what is loaded of each kind of file.

mod animation_canvas;
mod containers;
mod corpus;
mod damage;
mod depth;
mod exr;
mod frames;
mod hdr;
mod large_png;
mod metadata;
mod orientation;
mod plain_errors;
mod recover;
mod recover_rows;
mod region;
mod scale;
mod tiff_damage;
#[cfg(windows)]
mod windows;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [
        plain_errors::trials(),
        animation_canvas::trials(),
        containers::trials(),
        corpus::trials(),
        damage::trials(),
        depth::trials(),
        exr::trials(),
        frames::trials(),
        hdr::trials(),
        large_png::trials(),
        metadata::trials(),
        orientation::trials(),
        recover::trials(),
        recover_rows::trials(),
        region::trials(),
        scale::trials(),
        tiff_damage::trials(),
        #[cfg(windows)]
        windows::trials(),
    ];
    trials.into_iter().flatten().collect()
}
