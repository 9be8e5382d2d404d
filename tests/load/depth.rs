//! Saving deeper than 8 bits: what goes in comes out, to the bit.

use crate::support::pictures::{COMPRESSIONS, decode_bits};
use crate::support::{Noise, bits, same};
use imagecuda::{Depth, Device, Format, Image, ImageU8, Layout, LoadOptions, SaveOptions};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        sixteen_bits_survive_in_every_format_that_has_them,
        a_float_tiff_keeps_every_bit,
        the_default_depth_is_the_formats_own,
        a_background_flattens_at_every_depth,
        eight_bit_images_save_deeper,
        deep_saves_leave_the_callers_buffer_alone,
        other_decoders_read_16_bits,
    ])
}

/// Samples of every kind of byte.
fn picture(device: &Device) -> ImageU8 {
    let samples = Noise::new(11).bytes(61 * 43 * 4);
    ImageU8::from_pixels(device, 61, 43, Layout::Rgba8, &samples).unwrap()
}

/// Every 16-bit value in every channel.
fn words() -> Vec<u16> {
    (0..=65535u16)
        .flat_map(|x| [1, 3, 5, 7].map(|k| x.wrapping_mul(k)))
        .collect()
}

fn words_image(device: &Device) -> Image {
    let words = words();
    Image::from_pixels(
        device,
        256,
        256,
        Layout::Rgba16,
        bytemuck::cast_slice(&words),
    )
    .unwrap()
}

fn encode(options: &SaveOptions, image: &Image, name: &str) -> Vec<u8> {
    options.pack(image, name).unwrap().encode().unwrap()
}

fn sixteen_bits_survive_in_every_format_that_has_them(device: &Device) {
    let image = words_image(device);
    let expected: Vec<u32> = words()
        .iter()
        .map(|&x| ((f64::from(x) / 65535.0) as f32).to_bits())
        .collect();
    let opaque: Vec<u32> = expected
        .chunks(4)
        .flat_map(|p| [p[0], p[1], p[2], 1f32.to_bits()])
        .collect();
    let deep = SaveOptions::new().depth(Depth::U16);
    for name in ["a.png", "a.tif", "a.pam"] {
        let file = encode(&deep, &image, name);
        let layout = LoadOptions::new()
            .open_bytes(device, &file)
            .unwrap()
            .layout();
        assert_eq!(layout, Layout::Rgba16, "{name}");
        same(&decode_bits(device, &file), &expected, name);
    }
    for compression in COMPRESSIONS {
        let options = deep.clone().compression(compression);
        let file = encode(&options, &image, "a.tif");
        same(&decode_bits(device, &file), &expected, compression);
    }
    let mut image = image;
    image
        .upload(
            &opaque
                .iter()
                .map(|&v| f32::from_bits(v))
                .collect::<Vec<_>>(),
        )
        .unwrap();
    let file = encode(&deep, &image, "a.ppm");
    assert!(file.starts_with(b"P6") && file.windows(6).any(|w| w == b"65535\n"));
    same(&decode_bits(device, &file), &opaque, "PPM");
}

fn a_float_tiff_keeps_every_bit(device: &Device) {
    let samples = Noise::new(12).floats(4 * 61 * 43);
    let mut image = Image::new(device, 61, 43).unwrap();
    image.upload(&samples).unwrap();
    let float = SaveOptions::new().depth(Depth::F32);
    for compression in COMPRESSIONS {
        let options = float.clone().compression(compression);
        let file = options.encode(&image, Format::Tiff).unwrap();
        same(&decode_bits(device, &file), &bits(&samples), compression);
    }
    let file = float
        .background([9; 3])
        .encode(&image, Format::Tiff)
        .unwrap();
    let layout = LoadOptions::new()
        .open_bytes(device, &file)
        .unwrap()
        .layout();
    assert_eq!(layout, Layout::Rgb32F);
}

fn the_default_depth_is_the_formats_own(device: &Device) {
    let image = Image::new(device, 4, 4).unwrap();
    for &format in Format::ALL.iter().filter(|format| format.can_save()) {
        let own = match format {
            Format::Exr | Format::Hdr => Depth::F32,
            _ => Depth::U8,
        };
        let default = SaveOptions::new().encode(&image, format).unwrap();
        let named = SaveOptions::new()
            .depth(own)
            .encode(&image, format)
            .unwrap();
        assert!(default == named, "{format}");
    }
}

fn a_background_flattens_at_every_depth(device: &Device) {
    let image = Image::new(device, 5, 3).unwrap(); // transparent black
    let expected = [51, 102, 255, 255].map(|x| (f64::from(x) / 255.0) as f32);
    for (format, depth) in [
        (Format::Png, Depth::U16),
        (Format::Tiff, Depth::U16),
        (Format::Pnm, Depth::U16),
        (Format::Tiff, Depth::F32),
    ] {
        let options = SaveOptions::new().depth(depth).background([51, 102, 255]);
        let file = options.encode(&image, format).unwrap();
        let decoded = decode_bits(device, &file);
        same(&decoded, &bits(&expected).repeat(15), (format, depth));
    }
}

fn eight_bit_images_save_deeper(device: &Device) {
    let image = picture(device);
    let expected = bits(&image.to_f32().unwrap().download().unwrap());
    for (format, depth) in [(Format::Png, Depth::U16), (Format::Tiff, Depth::F32)] {
        let options = SaveOptions::new().depth(depth);
        let file = options.encode_u8(&image, format).unwrap();
        same(&decode_bits(device, &file), &expected, (format, depth));
    }
}

fn deep_saves_leave_the_callers_buffer_alone(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let image = words_image(device);
    let mut via = ImageU8::new(device, 4, 4).unwrap();
    via.upload(&[7; 64]).unwrap();
    let deep = SaveOptions::new().depth(Depth::U16);
    deep.save_via(&image, &path, &mut via).unwrap();
    assert_eq!(via.download().unwrap(), [7; 64]);
    assert!(std::fs::read(path).unwrap() == deep.encode(&image, Format::Png).unwrap());
}

fn other_decoders_read_16_bits(device: &Device) {
    let image = words_image(device);
    let deep = SaveOptions::new().depth(Depth::U16);
    for compression in &COMPRESSIONS[..4] {
        let options = deep.clone().compression(*compression);
        let file = options.encode(&image, Format::Png).unwrap();
        let bytes = zune_png::zune_core::bytestream::ZCursor::new(&file);
        let other = zune_png::PngDecoder::new(bytes).decode().unwrap();
        same(&other.u16().unwrap(), &words(), ("zune-png", compression));
    }
    // A PAM by its description: text up to a line of its own, then the words, high byte first.
    let file = encode(&deep, &image, "a.pam");
    let end = file.windows(7).position(|w| w == b"ENDHDR\n").unwrap() + 7;
    let header = str::from_utf8(&file[..end]).unwrap();
    for line in ["P7", "WIDTH 256", "HEIGHT 256", "DEPTH 4", "MAXVAL 65535"] {
        assert!(header.lines().any(|l| l == line), "{header}");
    }
    let samples: Vec<u8> = words().iter().flat_map(|x| x.to_be_bytes()).collect();
    same(&file[end..], &samples, "PAM");
}
