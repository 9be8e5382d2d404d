//! Parts of pictures: the pixels are those of the whole picture, whatever the format, the
//! orientation and the way to load.

mod undecoded;

use super::orientation::jpeg_with_exif;
use crate::support::{
    Noise, animations, bits, jpegs,
    pictures::{PNG_COLORS, noise_png, png_with_exif},
    profiles::{Icc, PRO_PHOTO, para},
    same,
};
use imagecuda::{
    ColorPolicy, Device, ErrorKind, Format, Image, ImageU8, JpegDecoder, Layout, LoadOptions,
    Metadata, PngDecoder, SaveOptions, batch::Loader,
};
use libtest_mimic::Trial;
use tiff::{
    encoder::{TiffEncoder, colortype},
    tags::Tag,
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        every_format_that_can_be_written,
        png_of_every_layout_and_orientation,
        jpeg_of_every_orientation,
        jpeg_of_every_kind,
        a_profile_is_that_of_a_region_too,
        tiff_of_floats_by_its_tag,
        the_whole_picture_is_a_region,
        images_and_buffers_have_the_size_of_the_region,
        frames_are_cropped_each,
        a_batch_crops_each_picture,
        empty_and_outside_are_errors,
    ]);
    trials.extend(undecoded::trials());
    trials
}

/// Left, top, width, height.
type Region = [u32; 4];

/// The region of `all`, samples of RGBA in rows of `width` pixels, one pixel after another.
fn cropped<T: Copy>(all: &[T], width: u32, [left, top, w, h]: Region) -> Vec<T> {
    let mut out = Vec::new();
    for y in top..top + h {
        for x in left..left + w {
            let at = (y * width + x) as usize * 4;
            out.extend_from_slice(&all[at..at + 4]);
        }
    }
    out
}

/// Corners, edges, single pixels, rows, columns, and a few of anywhere.
fn regions(noise: &mut Noise, width: u32, height: u32) -> Vec<Region> {
    let mut below = |limit: u32| (noise.next() >> 33) as u32 % limit;
    let mut regions = vec![
        [0, 0, 1, 1],
        [width - 1, height - 1, 1, 1],
        [0, height / 2, width, 1],
        [width / 2, 0, 1, height],
    ];
    for _ in 0..4 {
        let (x, y) = (below(width), below(height));
        regions.push([x, y, 1 + below(width - x), 1 + below(height - y)]);
    }
    regions
}

fn with(options: &LoadOptions, [x, y, width, height]: Region) -> LoadOptions {
    options.clone().region(x, y, width, height)
}

/// That regions of a file, as floats and as bytes, are those of the whole picture.
fn check(device: &Device, options: &LoadOptions, file: &[u8], what: &str) {
    let whole = options.decode(device, file).unwrap();
    let (width, height) = (whole.width(), whole.height());
    let floats = bits(&whole.download().unwrap());
    let bytes = options.decode_u8(device, file).unwrap().download().unwrap();
    let mut noise = Noise::new(file.len() as u64);
    for region in regions(&mut noise, width, height) {
        let what = format!("{what}: {region:?} of {width}x{height}");
        let options = with(options, region);
        let part = options.decode(device, file).expect(&what);
        assert_eq!([part.width(), part.height()], region[2..], "{what}");
        let expected = cropped(&floats, width, region);
        same(&bits(&part.download().unwrap()), &expected, &what);
        let part = options.decode_u8(device, file).expect(&what);
        let expected = cropped(&bytes, width, region);
        same(&part.download().unwrap(), &expected, &what);
    }
}

fn noise_image(device: &Device, width: u32, height: u32) -> ImageU8 {
    let pixels = Noise::new(7).bytes((width * height * 4) as usize);
    ImageU8::from_pixels(device, width, height, Layout::Rgba8, &pixels).unwrap()
}

fn every_format_that_can_be_written(device: &Device) {
    let image = noise_image(device, 67, 41);
    let mut tried = 0;
    for &format in Format::ALL {
        let Ok(file) = SaveOptions::new().encode_u8(&image, format) else {
            continue;
        };
        let options = LoadOptions::new().format(format);
        check(device, &options, &file, &format.to_string());
        tried += 1;
    }
    assert!(tried >= 9, "{tried} formats");
}

fn png_of_every_layout_and_orientation(device: &Device) {
    let (width, height) = (37, 23);
    for color in PNG_COLORS {
        let file = noise_png(color, width, height);
        for orientation in 1..=8 {
            let file = png_with_exif(&file, orientation);
            let what = format!("{color:?}, orientation {orientation}");
            check(device, &LoadOptions::new(), &file, &what);
        }
        for decoder in [PngDecoder::Host, PngDecoder::Kernels] {
            let options = LoadOptions::new().png_decoder(decoder);
            check(device, &options, &file, &format!("{color:?}, {decoder:?}"));
        }
    }
}

fn jpeg_of_every_orientation(device: &Device) {
    let image = noise_image(device, 61, 83);
    for quality in [60, 95] {
        let options = SaveOptions::new().quality(quality);
        let file = options.encode_u8(&image, Format::Jpeg).unwrap();
        for orientation in 1..=8 {
            let file = jpeg_with_exif(&file, orientation);
            for decoder in [JpegDecoder::Auto, JpegDecoder::Host, JpegDecoder::Kernels] {
                let options = LoadOptions::new().jpeg_decoder(decoder);
                let what = format!("{quality}, {orientation}, {decoder:?}");
                check(device, &options, &file, &what);
            }
        }
    }
}

fn jpeg_of_every_kind(device: &Device) {
    let files = (0..120).map(jpegs::random).chain(jpegs::encoded());
    for jpegs::Jpeg { bytes, what } in files {
        check(device, &LoadOptions::new(), &bytes, &what);
    }
}

/// Colours that are converted, with a curve and a matrix.
fn a_profile_is_that_of_a_region_too(device: &Device) {
    let image = noise_image(device, 83, 61);
    let icc = Icc::rgb(PRO_PHOTO, &para(0, &[1.8])).bytes();
    for format in [Format::Jpeg, Format::Png, Format::Tiff, Format::WebP] {
        let metadata = Metadata::new().with_icc_profile(&icc);
        let options = SaveOptions::new().metadata(metadata);
        let file = options.encode_u8(&image, format).unwrap();
        let converted = LoadOptions::new().decode(device, &file).unwrap();
        let raw = LoadOptions::new().color_policy(ColorPolicy::Raw);
        let raw = raw.decode(device, &file).unwrap();
        assert!(converted.download().unwrap() != raw.download().unwrap());
        check(device, &LoadOptions::new(), &file, &format.to_string());
    }
}

fn tiff_of_floats_by_its_tag(device: &Device) {
    let pixels = Noise::new(1).floats(37 * 23 * 4);
    for orientation in 1u16..=8 {
        let mut file = std::io::Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut file).unwrap();
        let mut image = encoder.new_image::<colortype::RGBA32Float>(37, 23).unwrap();
        let tags = image.encoder();
        tags.write_tag(Tag::Orientation, orientation).unwrap();
        image.write_data(&pixels).unwrap();
        let what = format!("orientation {orientation}");
        check(device, &LoadOptions::new(), &file.into_inner(), &what);
    }
}

fn the_whole_picture_is_a_region(device: &Device) {
    let file = SaveOptions::new()
        .encode_u8(&noise_image(device, 31, 17), Format::Qoi)
        .unwrap();
    let whole = LoadOptions::new().decode_u8(device, &file).unwrap();
    let options = LoadOptions::new().region(0, 0, 31, 17);
    let part = options.decode_u8(device, &file).unwrap();
    same(&part.download().unwrap(), &whole.download().unwrap(), "all");
}

fn images_and_buffers_have_the_size_of_the_region(device: &Device) {
    let source = noise_image(device, 300, 200);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    source.save(&path).unwrap();
    let options = LoadOptions::new().region(250, 20, 30, 40);
    let expected = cropped(&source.download().unwrap(), 300, [250, 20, 30, 40]);
    // Room for the region and no more.
    let mut image = Image::new(device, 30, 40).unwrap();
    let mut via = ImageU8::new(device, 40, 30).unwrap();
    options.load_into_via(&path, &mut image, &mut via).unwrap();
    assert_eq!((image.width(), via.width(), via.height()), (30, 30, 40));
    same(&via.download().unwrap(), &expected, "via");
    options.load_into(&path, &mut image).unwrap();
    let bytes = image.to_u8().unwrap();
    same(&bytes.download().unwrap(), &expected, "into");
    options.load_u8_into(&path, &mut via).unwrap();
    same(&via.download().unwrap(), &expected, "u8");
    let decoded = options.open(device, &path).unwrap();
    assert_eq!((decoded.width(), decoded.height()), (30, 40));
    // One pixel more does not fit.
    let larger = LoadOptions::new().region(250, 20, 31, 40);
    let error = larger.load_into(&path, &mut image).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OverCapacity { .. }));
    same(&via.download().unwrap(), &expected, "unchanged");
}

fn frames_are_cropped_each(device: &Device) {
    let parts = animations::parts(3, [40, 30], 5, &[0, 255]);
    let file = animations::gif_file([40, 30], &parts, None);
    let shown = LoadOptions::new().frames_bytes(device, &file[..]).unwrap();
    let region = [7, 9, 20, 11];
    let options = with(&LoadOptions::new(), region);
    let cut = options.frames_bytes(device, file).unwrap();
    let mut count = 0;
    for (whole, part) in shown.zip(cut) {
        let (whole, part) = (whole.unwrap(), part.unwrap());
        let all = bits(&whole.image().download().unwrap());
        let part = bits(&part.image().download().unwrap());
        same(&part, &cropped(&all, 40, region), count);
        count += 1;
    }
    assert_eq!(count, 5);
}

fn a_batch_crops_each_picture(device: &Device) {
    let image = noise_image(device, 50, 40);
    let formats = [Format::Png, Format::Qoi, Format::Tiff, Format::Bmp];
    let files = formats.map(|format| SaveOptions::new().encode_u8(&image, format).unwrap());
    let region = [11, 5, 9, 30];
    let options = with(&LoadOptions::new(), region);
    let expected = cropped(&image.download().unwrap(), 50, region);
    let mut count = 0;
    for (_, loaded) in Loader::new(device).options(options).load(files) {
        let loaded = loaded.unwrap();
        let bytes = loaded.to_u8().unwrap();
        same(&bytes.download().unwrap(), &expected, count);
        count += 1;
    }
    assert_eq!(count, 4);
}

fn empty_and_outside_are_errors(device: &Device) {
    let image = noise_image(device, 20, 10);
    let file = SaveOptions::new().encode_u8(&image, Format::Png).unwrap();
    let max = u32::MAX;
    let wrong = [
        ([0, 0, 0, 1], "empty"),
        ([3, 3, 1, 0], "empty"),
        ([0, 0, 21, 1], "bounds of a picture of 20x10"),
        ([20, 0, 1, 1], "bounds"),
        ([0, 10, 1, 1], "bounds"),
        ([19, 9, 1, 2], "bounds"),
        ([max, 0, max, 1], "bounds"),
        ([1, max, 1, max], "bounds"),
    ];
    let mut target = Image::new(device, 20, 10).unwrap();
    for (region, why) in wrong {
        let options = with(&LoadOptions::new().allow_truncated(true), region);
        for error in [
            options.decode(device, &file).unwrap_err(),
            options.decode_into(&file, &mut target).unwrap_err(),
        ] {
            let option = match error.kind() {
                ErrorKind::InvalidOption { option, .. } => *option,
                _ => "",
            };
            assert_eq!(option, "region", "{error}");
            assert!(error.to_string().contains(why), "{error}");
            assert_eq!(error.format(), Some(Format::Png));
        }
        assert_eq!((target.width(), target.height()), (20, 10));
    }
    // As viewed, it is 10 wide and 20 high.
    let turned = png_with_exif(&file, 6);
    let tall = LoadOptions::new().region(0, 0, 10, 20);
    assert!(tall.decode(device, &turned).is_ok());
    let tall = tall.apply_orientation(false);
    assert!(tall.decode(device, &turned).is_err());
}
