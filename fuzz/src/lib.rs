//! What the fuzz targets hold their input against. The project's tests run the same functions on
//! the files in `regressions/`.

mod input;
mod load;
mod metadata;
mod png_stream;
mod save;
mod save_jpeg;

use imagecuda::Format;

/// What a target does with its input: it panics if something is wrong.
type Check = fn(&[u8]);

/// The targets by their names.
pub const TARGETS: [(&str, Check); 11] = [
    ("load_gif", |data| load::check(Format::Gif, data)),
    ("load_heif", load::check_heif),
    ("load_jpeg", |data| load::check(Format::Jpeg, data)),
    ("load_other", load::check_other),
    ("load_png", |data| load::check(Format::Png, data)),
    ("load_tiff", |data| load::check(Format::Tiff, data)),
    ("load_webp", |data| load::check(Format::WebP, data)),
    ("metadata", metadata::check),
    ("png_stream", png_stream::check),
    ("save", save::check),
    ("save_jpeg", save_jpeg::check),
];

/// Does what the target of that name does.
pub fn run(target: &str, data: &[u8]) {
    let (_, check) = TARGETS
        .iter()
        .find(|(name, _)| *name == target)
        .expect("a target's name");
    check(data);
}
