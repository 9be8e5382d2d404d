//! Resized pictures and tensors of a 4K picture, as a share of the device-to-device copy of it: bytes of
//! the picture and of the result, each once.

use crate::{
    kernels::{copy_rate, noise, rate},
    median, scene,
};
use imagecuda::{
    Device, Filter, Image, JpegDecoder, Layout, LoadOptions, Result, SaveOptions, Scale,
    Subsampling, Tensor, TensorChannels, TensorElement, TensorFit, TensorLayout, TensorOptions,
};
use std::time::Instant;

const WIDTH: u32 = 3840;
const HEIGHT: u32 = 2160;
/// Pictures and results in turn: one would stay in the cache.
const PICTURES: usize = 3;

pub(crate) fn run(gpu: &Device) -> Result<()> {
    gpu.make_current()?;
    let copy = copy_rate(gpu, WIDTH, HEIGHT)?;
    let pixels = (WIDTH * HEIGHT) as usize;
    let bytes = noise(pixels * 4);
    let mut images = Vec::new();
    for i in 0..PICTURES {
        let mut image = imagecuda::ImageU8::new(gpu, WIDTH, HEIGHT)?;
        let (from, to) = bytes.split_at(i * 4);
        image.upload(&[to, from].concat())?;
        images.push(image.to_f32()?);
    }
    println!(
        "\n4K to tensors and other sizes, GB/s read and written, and the share of the copy ({copy:.0}):"
    );
    let line = |name: String, rate: f64| {
        println!("{name:44}{rate:8.0} {:6.1} %", rate / copy * 100.0);
    };
    use TensorElement::{Bf16, F16, F32, U8};
    let rgb = TensorOptions::new();
    let nhwc = rgb.layout(TensorLayout::Nhwc);
    for (name, options) in [
        ("NCHW RGB", rgb),
        ("NCHW gray", rgb.channels(TensorChannels::Gray)),
        ("NHWC BGR", nhwc.channels(TensorChannels::Bgr)),
        ("NHWC RGBA", nhwc.channels(TensorChannels::Rgba)),
    ] {
        for element in [U8, F16, Bf16, F32] {
            let mut options = options.element(element).size(WIDTH, HEIGHT);
            if element != U8 {
                options = options
                    .mean([0.485, 0.456, 0.406])
                    .std([0.229, 0.224, 0.225]);
            }
            let mut tensor = Tensor::new(gpu, PICTURES, &options)?;
            let moved = pixels * 16 + tensor.len() / PICTURES * element.bytes();
            let mut i = 0;
            let rate = rate(gpu, moved, || {
                i = (i + 1) % PICTURES;
                images[i].to_tensor_into(&options, &mut tensor, i)
            })?;
            line(format!("{name} {element:?}"), rate);
        }
    }
    for (width, height) in [(1920, 1080), (1280, 720), (224, 224), (7680, 4320)] {
        for filter in [
            Filter::Nearest,
            Filter::Box,
            Filter::Triangle,
            Filter::CatmullRom,
            Filter::Lanczos3,
        ] {
            let mut dst = (0..PICTURES)
                .map(|_| Image::new(gpu, width, height))
                .collect::<Result<Vec<_>>>()?;
            let moved = (pixels + (width * height) as usize) * 16;
            let mut i = 0;
            let rate = rate(gpu, moved, || {
                i = (i + 1) % PICTURES;
                images[i].resized_into(width, height, filter, &mut dst[i])
            })?;
            line(format!("to {width}x{height} {filter:?}"), rate);
        }
    }
    for (name, fit) in [
        ("stretch", TensorFit::Stretch),
        ("cover", TensorFit::Cover),
        ("contain", TensorFit::Contain([0.5; 4])),
    ] {
        let options = rgb
            .element(F16)
            .size(640, 640)
            .fit(fit)
            .filter(Filter::Lanczos3);
        let mut tensor = Tensor::new(gpu, PICTURES, &options)?;
        let moved = pixels * 16 + tensor.len() / PICTURES * 2;
        let mut i = 0;
        let rate = rate(gpu, moved, || {
            i = (i + 1) % PICTURES;
            images[i].to_tensor_into(&options, &mut tensor, i)
        })?;
        line(format!("NCHW RGB F16 640x640 Lanczos3, {name}"), rate);
    }
    smaller(gpu)
}

/// A 4K JPEG, whole and smaller: from its file until the GPU is done.
fn smaller(gpu: &Device) -> Result<()> {
    let rgb = scene::render(WIDTH, HEIGHT);
    let image = Image::from_pixels(gpu, WIDTH, HEIGHT, Layout::Rgb8, &rgb)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("4k.jpg");
    let options = SaveOptions::new()
        .quality(88)
        .subsampling(Subsampling::Yuv420);
    options.save(&image, &path)?;
    println!(
        "\na 4K JPEG of {:.2} MB, median ms from the file to float:",
        path.metadata()?.len() as f64 / 1e6
    );
    let whole = LoadOptions::new();
    for (name, options) in [
        ("whole", whole.clone()),
        ("scale 1/2", whole.clone().scale(Scale::Half)),
        ("scale 1/8", whole.clone().scale(Scale::Eighth)),
        ("fit 512x512", whole.clone().fit(512, 512)),
        (
            "fit 512x512, decoded by the host",
            whole.fit(512, 512).jpeg_decoder(JpegDecoder::Host),
        ),
    ] {
        let ms = median(40, || {
            let start = Instant::now();
            options.load(gpu, &path)?;
            gpu.synchronize()?;
            Ok(start.elapsed().as_secs_f64() * 1e3)
        })?;
        println!("{name:44}{ms:8.3}");
    }
    Ok(())
}
