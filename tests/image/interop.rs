//! Other libraries' types to images and back, on every device.

use crate::support::{Noise, bits, same};
use image::{
    DynamicImage, GenericImageView, GrayAlphaImage, GrayImage, ImageBuffer, Luma, LumaA, Rgb,
    Rgb32FImage, RgbImage, Rgba, Rgba32FImage, RgbaImage, buffer::ConvertBuffer,
};
use imagecuda::{Device, HostImage, Image, ImageU8};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        every_kind_of_image_becomes_ours,
        ours_become_images,
        a_picture_goes_through_both_and_back,
        pixels_are_where_a_view_expects_them,
    ]);
    #[cfg(feature = "ndarray")]
    trials.extend(arrays::trials());
    trials.push(Trial::test("conversions_by_trait", || {
        conversions_by_trait();
        Ok(())
    }));
    trials
}

const WIDTH: u32 = 37;
const HEIGHT: u32 = 23;
const PIXELS: usize = (WIDTH * HEIGHT) as usize;

fn noise<T: bytemuck::AnyBitPattern + bytemuck::NoUninit>(channels: usize) -> Vec<T> {
    let bytes = Noise::new(channels as u64).bytes(PIXELS * channels * size_of::<T>());
    bytemuck::pod_collect_to_vec(&bytes)
}

fn buffer<P: image::Pixel>(samples: Vec<P::Subpixel>) -> ImageBuffer<P, Vec<P::Subpixel>> {
    ImageBuffer::from_raw(WIDTH, HEIGHT, samples).unwrap()
}

/// That `ours` are the samples of `theirs`, spread over RGBA and divided by `max`.
fn check(device: &Device, theirs: &impl HostImage, rgba: impl Iterator<Item = [f64; 4]>) {
    let image = Image::from_image(device, theirs).unwrap();
    assert_eq!((image.width(), image.height()), (WIDTH, HEIGHT));
    let expected: Vec<f32> = rgba.flatten().map(|v| v as f32).collect();
    same(&bits(&image.download().unwrap()), &bits(&expected), "float");
    let bytes = ImageU8::from_image(device, theirs).unwrap();
    let quantized = image.to_u8().unwrap().download().unwrap();
    same(&bytes.download().unwrap(), &quantized, "bytes");
}

fn every_kind_of_image_becomes_ours(device: &Device) {
    let eight = |v: u8| f64::from(v) / 255.0;
    let sixteen = |v: u16| f64::from(v) / 65535.0;

    let gray: GrayImage = buffer(noise(1));
    let expected = |p: &Luma<u8>| [eight(p[0]), eight(p[0]), eight(p[0]), 1.0];
    check(device, &gray, gray.pixels().map(expected));
    check(
        device,
        &DynamicImage::from(gray.clone()),
        gray.pixels().map(expected),
    );

    let gray_alpha: GrayAlphaImage = buffer(noise(2));
    let expected = |p: &LumaA<u8>| [eight(p[0]), eight(p[0]), eight(p[0]), eight(p[1])];
    check(device, &gray_alpha, gray_alpha.pixels().map(expected));

    let rgb: RgbImage = buffer(noise(3));
    let expected = |p: &Rgb<u8>| [eight(p[0]), eight(p[1]), eight(p[2]), 1.0];
    check(device, &rgb, rgb.pixels().map(expected));
    check(
        device,
        &DynamicImage::from(rgb.clone()),
        rgb.pixels().map(expected),
    );

    let rgba: RgbaImage = buffer(noise(4));
    check(device, &rgba, rgba.pixels().map(|p| p.0.map(eight)));

    let gray: ImageBuffer<Luma<u16>, _> = buffer(noise(1));
    let expected = |p: &Luma<u16>| [sixteen(p[0]), sixteen(p[0]), sixteen(p[0]), 1.0];
    check(device, &gray, gray.pixels().map(expected));
    let rgb: ImageBuffer<Rgb<u16>, _> = buffer(noise(3));
    let expected = |p: &Rgb<u16>| [sixteen(p[0]), sixteen(p[1]), sixteen(p[2]), 1.0];
    check(
        device,
        &DynamicImage::from(rgb.clone()),
        rgb.pixels().map(expected),
    );
    let rgba: ImageBuffer<Rgba<u16>, _> = buffer(noise(4));
    check(device, &rgba, rgba.pixels().map(|p| p.0.map(sixteen)));

    let floats = |channels: usize| Noise::new(7).floats(PIXELS * channels);
    let rgb: Rgb32FImage = buffer(floats(3));
    let image = Image::from_image(device, &rgb).unwrap().download().unwrap();
    let expected: Vec<f32> = rgb.pixels().flat_map(|p| [p[0], p[1], p[2], 1.0]).collect();
    same(&bits(&image), &bits(&expected), "float RGB");
    let rgba: Rgba32FImage = buffer(floats(4));
    let image = Image::from_image(device, &rgba)
        .unwrap()
        .download()
        .unwrap();
    same(&bits(&image), &bits(rgba.as_raw()), "float RGBA");
}

fn ours_become_images(device: &Device) {
    let mut image = Image::new(device, WIDTH, HEIGHT).unwrap();
    let samples = Noise::new(3).floats(PIXELS * 4);
    image.upload(&samples).unwrap();
    let float = image.to_rgba32f_image().unwrap();
    same(&bits(float.as_raw()), &bits(&samples), "float");
    let eight = image.to_rgba_image().unwrap();
    let quantized = image.to_u8().unwrap();
    same(eight.as_raw(), &quantized.download().unwrap(), "8 bits");
    same(
        quantized.to_rgba_image().unwrap().as_raw(),
        eight.as_raw(),
        "u8",
    );
    let sixteen = image.to_rgba16_image().unwrap();
    for (got, v) in sixteen.as_raw().iter().zip(&samples) {
        let clamped = if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) };
        assert_eq!(*got, (clamped * 65535.0 + 0.5) as u16, "{v}");
    }
}

fn a_picture_goes_through_both_and_back(device: &Device) {
    let rgb: RgbImage = buffer(noise(3));
    let image = Image::from_image(device, &rgb).unwrap();
    let back: RgbImage = image.to_rgba_image().unwrap().convert();
    assert!(back == rgb);
    let deep: ImageBuffer<Rgba<u16>, _> = buffer(noise(4));
    let image = Image::from_image(device, &deep).unwrap();
    assert!(image.to_rgba16_image().unwrap() == deep);
}

fn pixels_are_where_a_view_expects_them(device: &Device) {
    let rgba: RgbaImage = buffer(noise(4));
    let image = ImageU8::from_image(device, &rgba).unwrap();
    let view = DynamicImage::try_from(&image).unwrap();
    assert_eq!(view.dimensions(), (WIDTH, HEIGHT));
    for (x, y) in [(0, 0), (WIDTH - 1, 0), (0, HEIGHT - 1), (20, 11)] {
        assert_eq!(view.get_pixel(x, y), rgba.get_pixel(x, y).to_owned());
    }
    let crop = view.view(5, 6, 7, 8).to_image();
    assert_eq!(crop.get_pixel(1, 1), rgba.get_pixel(6, 7));
}

/// On the default device, whatever that is.
fn conversions_by_trait() {
    let rgba: RgbaImage = buffer(noise(4));
    let theirs = DynamicImage::from(rgba.clone());
    let image = Image::try_from(&theirs).unwrap();
    let back = DynamicImage::try_from(&image).unwrap();
    assert!(back.as_rgba32f().is_some() && back.to_rgba8() == rgba);
    let bytes = ImageU8::try_from(&theirs).unwrap();
    assert!(DynamicImage::try_from(&bytes).unwrap() == theirs);
    // Values go both ways as well.
    let bytes: ImageU8 = theirs.clone().try_into().unwrap();
    let back: DynamicImage = bytes.try_into().unwrap();
    assert!(back == theirs);
}

#[cfg(feature = "ndarray")]
mod arrays {
    use super::*;
    use imagecuda::ErrorKind;
    use ndarray::{Array2, Array3, Array4, ArrayD, Axis, IxDyn, s};

    pub(super) fn trials() -> Vec<Trial> {
        crate::support::on_each_device(crate::device_tests![
            every_shape_and_sample,
            views_are_taken_as_they_look,
            other_shapes_are_errors,
            an_array_comes_back,
        ])
    }

    fn every_shape_and_sample(device: &Device) {
        let gray = Array2::from_shape_fn((5, 7), |(y, x)| (y * 40 + x) as u8);
        let image = Image::from_array(device, &gray).unwrap();
        assert_eq!((image.width(), image.height()), (7, 5));
        let samples = image.download().unwrap();
        for (pixel, v) in samples.chunks(4).zip(&gray) {
            let v = f32::from(*v) / 255.0;
            assert_eq!(pixel, [v, v, v, 1.0]);
        }
        // 16 bits are normalised, not cast.
        let rgb = Array3::from_shape_fn((5, 7, 3), |(y, x, c)| (y * 9000 + x * 900 + c) as u16);
        let image = Image::from_array(device, &rgb).unwrap().download().unwrap();
        for (pixel, v) in image.chunks(4).zip(rgb.as_slice().unwrap().chunks(3)) {
            let v: Vec<f32> = v.iter().map(|&v| f32::from(v) / 65535.0).collect();
            assert_eq!(pixel, [v[0], v[1], v[2], 1.0]);
        }
        let rgba = Array3::from_shape_fn((5, 7, 4), |(y, x, c)| (y + x + c) as f32 - 3.0);
        let image = Image::from_array(device, &rgba).unwrap();
        same(
            &image.download().unwrap(),
            rgba.as_slice().unwrap(),
            "float",
        );
        let any = ArrayD::from_elem(IxDyn(&[4, 3]), 255_u8);
        let bytes = ImageU8::from_array(device, &any).unwrap();
        assert_eq!(bytes.download().unwrap(), [255; 48]);
    }

    fn views_are_taken_as_they_look(device: &Device) {
        let all = Array3::from_shape_fn((9, 11, 3), |(y, x, c)| (y * 25 + x * 2 + c) as u8);
        for view in [
            all.slice(s![1..;2, ..;3, ..]),
            all.slice(s![..;-1, 2..9, ..;-1]),
            all.view().permuted_axes([1, 0, 2]),
        ] {
            let image = ImageU8::from_array(device, &view).unwrap();
            let (height, width, _) = view.dim();
            assert_eq!(
                (image.width(), image.height()),
                (width as u32, height as u32)
            );
            let expected: Vec<u8> = view
                .lanes(Axis(2))
                .into_iter()
                .flat_map(|p| [p[0], p[1], p[2], 255])
                .collect();
            same(&image.download().unwrap(), &expected, view.shape());
        }
    }

    fn other_shapes_are_errors(device: &Device) {
        let refused = |result: imagecuda::Result<Image>| {
            let error = result.unwrap_err();
            let is_shape = matches!(
                error.kind(),
                ErrorKind::InvalidOption {
                    option: "shape",
                    ..
                }
            );
            assert!(is_shape, "{error}");
        };
        refused(Image::from_array(device, &Array3::<u8>::zeros((4, 4, 2))));
        refused(Image::from_array(device, &Array3::<f32>::zeros((4, 4, 5))));
        refused(Image::from_array(
            device,
            &Array4::<u8>::zeros((1, 4, 4, 3)),
        ));
        refused(Image::from_array(device, &ArrayD::<u8>::zeros(IxDyn(&[4]))));
        let empty = Image::from_array(device, &Array2::<u8>::zeros((0, 4))).unwrap_err();
        assert!(matches!(empty.kind(), ErrorKind::ZeroDimension { .. }));
    }

    fn an_array_comes_back(device: &Device) {
        let rgba = Array3::from_shape_fn((6, 5, 4), |(y, x, c)| (y * 20 + x * 4 + c) as f32);
        let image = Image::from_array(device, &rgba).unwrap();
        assert_eq!(image.to_array().unwrap(), rgba);
        let bytes = Array3::from_shape_fn((6, 5, 4), |(y, x, c)| (y * 20 + x * 4 + c) as u8);
        let image = ImageU8::from_array(device, &bytes).unwrap();
        assert_eq!(image.to_array().unwrap(), bytes);
    }
}
