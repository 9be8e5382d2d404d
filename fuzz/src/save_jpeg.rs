//! A JPEG is the same file whoever encodes it, and others decode it.

use super::{input::Input, load, save};
use imagecuda::{Channels, Format, JpegEncoder, SaveOptions, Subsampling};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

const MOST_PIXELS: u32 = 1 << 14;

pub(super) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let quality = input.byte() % 100 + 1;
    let flags = input.byte();
    let flag = |bit: u8| flags >> bit & 1 == 1;
    let mut options = SaveOptions::new()
        .quality(quality)
        .progressive(flag(0))
        .optimize_huffman(flag(1));
    if flag(2) {
        options = options.restart_interval(input.number());
    }
    let channels = input.pick(&[Channels::Rgb, Channels::Rgb, Channels::Gray, Channels::Auto]);
    options = options.channels(channels);
    let subsampling = input.pick(&[
        Subsampling::Yuv444,
        Subsampling::Yuv422,
        Subsampling::Yuv420,
    ]);
    if flag(3) && channels != Channels::Gray {
        options = options.subsampling(subsampling);
    }
    let image = save::picture(input, true, MOST_PIXELS);

    let [file, by_kernels] = [JpegEncoder::Host, JpegEncoder::Kernels].map(|encoder| {
        let options = options.clone().jpeg_encoder(encoder);
        options.encode(&image, Format::Jpeg).unwrap()
    });
    assert!(file == by_kernels, "the kernels write another file");

    // Which compares the decoders.
    load::check(Format::Jpeg, &file);
    let found = load::picture_of(Format::Jpeg, &file);
    assert_eq!(found.size, (image.width(), image.height()));

    let strict = DecoderOptions::new_safe()
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut zune = JpegDecoder::new_with_options(ZCursor::new(&file[..]), strict);
    let others = zune.decode().unwrap();
    let size = (image.width() as usize, image.height() as usize);
    assert_eq!(zune.dimensions(), Some(size));

    // Its integers are others, and so is its interpolation of chroma.
    let samples = image.to_u8().unwrap().download().unwrap();
    let full = channels == Channels::Gray || (quality >= 90 && !flag(3));
    let mut worst = [0; 2];
    for ((found, other), original) in found
        .samples
        .chunks_exact(4)
        .zip(others.chunks_exact(3))
        .zip(samples.chunks_exact(4))
    {
        for c in 0..3 {
            let found = (found[c] * 255.0).round() as u8;
            worst[0] = worst[0].max(found.abs_diff(other[c]));
            worst[1] = worst[1].max(found.abs_diff(original[c]));
        }
    }
    if full {
        assert!(
            worst[0] <= 5,
            "another decoder's pixels differ by {}",
            worst[0]
        );
        if quality == 100 && channels == Channels::Rgb {
            assert!(worst[1] <= 5, "quality 100 differs by {}", worst[1]);
        }
    }
}
