//! Parts of pictures: the pixels are those of the whole picture, whatever the format, the
//! orientation and the way to load.

use super::orientation::{jpeg_with_exif, png_with_exif};
use crate::support::{Noise, animations, bits, jpegs, same};
use image::{ColorType, ExtendedColorType, ImageEncoder};
use imagecuda::{
    Device, ErrorKind, Format, Image, ImageU8, JpegDecoder, Layout, LoadOptions, PngDecoder,
    SaveOptions, batch::Loader,
};
use libtest_mimic::Trial;
use tiff::{
    encoder::{TiffEncoder, colortype},
    tags::Tag,
};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        every_format_that_can_be_written,
        png_of_every_layout_and_orientation,
        jpeg_of_every_orientation,
        jpeg_of_every_kind,
        tiff_of_floats_by_its_tag,
        the_whole_picture_is_a_region,
        images_and_buffers_have_the_size_of_the_region,
        frames_are_cropped_each,
        a_batch_crops_each_picture,
        empty_and_outside_are_errors,
        limits_count_what_is_decoded,
        damage_elsewhere_is_no_error,
        what_comes_before_a_restart_is_passed_over,
        a_tile_of_a_huge_tiff_needs_little_memory,
    ])
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
    let colors = [
        ColorType::L8,
        ColorType::La8,
        ColorType::Rgb8,
        ColorType::Rgba8,
        ColorType::L16,
        ColorType::La16,
        ColorType::Rgb16,
        ColorType::Rgba16,
    ];
    let (width, height) = (37, 23);
    for color in colors {
        let len = width as usize * height as usize * usize::from(color.bytes_per_pixel());
        let pixels = Noise::new(len as u64).bytes(len);
        let mut file = Vec::new();
        image::codecs::png::PngEncoder::new(&mut file)
            .write_image(&pixels, width, height, ExtendedColorType::from(color))
            .unwrap();
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

fn limits_count_what_is_decoded(device: &Device) {
    let image = noise_image(device, 64, 64);
    let file = SaveOptions::new().encode_u8(&image, Format::Qoi).unwrap();
    // QOI is decoded whole.
    let options = LoadOptions::new().region(0, 0, 8, 8).max_pixels(4095);
    let error = options.decode(device, &file).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::LimitExceeded { .. }));
    assert!(options.max_pixels(4096).decode(device, &file).is_ok());
}

/// Behind the last row that is needed nothing is read.
fn damage_elsewhere_is_no_error(device: &Device) {
    let image = noise_image(device, 120, 400);
    let folder = [Format::Jpeg, Format::Png, Format::Tiff];
    for format in folder {
        let file = SaveOptions::new().encode_u8(&image, format).unwrap();
        let options = LoadOptions::new()
            .jpeg_decoder(JpegDecoder::Host)
            .png_decoder(PngDecoder::Host);
        let cut = &file[..file.len() / 2];
        let top = options.clone().region(3, 5, 100, 20);
        let whole = top.decode_u8(device, &file).unwrap();
        let bottom = options.region(3, 350, 100, 20);
        // On a GPU kernels make the pixels of a whole JPEG; a TIFF's directory is at its end.
        if format == Format::Png || (format == Format::Jpeg && !device.is_cuda()) {
            let part = top.decode_u8(device, cut);
            let part = part.unwrap_or_else(|error| panic!("{error}"));
            let (part, whole) = (part.download().unwrap(), whole.download().unwrap());
            same(&part, &whole, format);
        }
        let error = bottom.decode_u8(device, cut).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    }
}

/// With restart markers, a region does not depend on the intervals before it.
fn what_comes_before_a_restart_is_passed_over(device: &Device) {
    let image = noise_image(device, 160, 240);
    // An interval of one row of MCUs (8 × 8 pixels), and one of one and a half.
    for (interval, first) in [(20, 100), (30, 112)] {
        let options = SaveOptions::new().restart_interval(interval);
        let file = options.encode_u8(&image, Format::Jpeg).unwrap();
        let mut damaged = file.clone();
        let start = jpegs::first_scan(&file).unwrap();
        // Zeros in the first interval only: a restart marker has its last bits.
        let end = (start..).find(|&at| file[at] == 0xff && file[at + 1] == 0xd0);
        damaged[start + 20..end.unwrap()].fill(0);
        let options = LoadOptions::new().jpeg_decoder(JpegDecoder::Host);
        let options = options.region(40, first, 60, 90);
        let expected = options.decode_u8(device, &file).unwrap();
        let whole = LoadOptions::new().decode_u8(device, &file).unwrap();
        let all = cropped(&whole.download().unwrap(), 160, [40, first, 60, 90]);
        same(&expected.download().unwrap(), &all, interval);
        if device.is_cuda() {
            continue; // kernels make the pixels of the whole picture
        }
        let found = options.decode_u8(device, &damaged).unwrap();
        same(&found.download().unwrap(), &all, interval);
    }
}

/// A gray TIFF of `side` × `side` pixels, all of whose tiles of 256 × 256 are `tile`.
fn tiled(side: u32, tile: &[u8]) -> Vec<u8> {
    let across = side.div_ceil(256);
    let count = across * across;
    let after = 8 + 2 + 10 * 12 + 4;
    let (lengths, data) = (after + 4 * count, after + 8 * count);
    let tags: [(u16, u32, u32); 10] = [
        (256, 1, side),
        (257, 1, side),
        (258, 1, 8),
        (259, 1, 1),
        (262, 1, 1),
        (277, 1, 1),
        (322, 1, 256),
        (323, 1, 256),
        (324, count, after),
        (325, count, lengths),
    ];
    let mut file = b"II\x2a\0\x08\0\0\0\x0a\0".to_vec();
    for (tag, count, value) in tags {
        file.extend(tag.to_le_bytes());
        file.extend([4, 0]);
        file.extend(count.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    for value in [data, tile.len() as u32] {
        file.extend(value.to_le_bytes().repeat(count as usize));
    }
    file.extend(tile);
    file
}

/// The most memory that this process ever had, in bytes.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.unwrap().split_whitespace().nth(1).unwrap();
    number.parse::<u64>().unwrap() * 1024
}

#[cfg(not(target_os = "linux"))]
fn peak() -> u64 {
    0
}

fn a_tile_of_a_huge_tiff_needs_little_memory(device: &Device) {
    let name = "load::region::a_tile_of_a_huge_tiff_needs_little_memory";
    if !crate::support::alone(name, device) {
        return;
    }
    let tile = Noise::new(1).bytes(256 * 256);
    let file = tiled(30_000, &tile);
    // The default limits hold for what is decoded.
    let error = LoadOptions::new().decode(device, &file).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::LimitExceeded { .. }));
    let warm = LoadOptions::new().region(0, 0, 1, 1);
    warm.decode_u8(device, &file).unwrap();
    let before = peak();
    let (x, y) = (20_400, 12_700);
    let options = LoadOptions::new()
        .region(x, y, 100, 100)
        .max_bytes(64 << 20);
    let part = options.decode_u8(device, &file).unwrap();
    assert!(peak() - before < 64 << 20, "{} bytes", peak() - before);
    let pixels = part.download().unwrap();
    for (i, pixel) in pixels.chunks_exact(4).enumerate() {
        let (x, y) = (x as usize + i % 100, y as usize + i / 100);
        let gray = tile[y % 256 * 256 + x % 256];
        assert_eq!(pixel, [gray, gray, gray, 255], "{x}, {y}");
    }
}
