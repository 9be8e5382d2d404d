//! Pictures against passes over whole pictures, to the bit.

mod passes;

use super::*;
use crate::{
    device::{ExpandSpec, cpu},
    resample::{Extent, Filter, Placement, Sampling, Step},
};
use imagecuda_kernels::{
    expand::Curve,
    host,
    layout::Layout,
    orient::{Orientation, View},
    resample::Input,
};

const FILTERS: [Filter; 6] = [
    Filter::Nearest,
    Filter::Box,
    Filter::Triangle,
    Filter::CatmullRom,
    Filter::Mitchell,
    Filter::Lanczos3,
];
const INPUTS: [Input; 4] = [Input::Sum, Input::Straight, Input::Opaque, Input::Over];

fn noise(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

/// Floats beyond 0.0 to 1.0 too, and small ones.
fn floats(len: usize, seed: u32) -> Vec<RgbaF32> {
    let bytes = noise(len * 4, seed);
    let (pixels, _) = bytes.as_chunks::<4>();
    let float = |v: u8| (f32::from(v) - 30.0) / 171.0;
    pixels.iter().map(|p| RgbaF32(p.map(float))).collect()
}

/// All pixels of a pass.
fn pass(step: &Step, src: &[RgbaF32]) -> Vec<RgbaF32> {
    let (width, height) = (step.pass.width as usize, step.pass.height as usize);
    let mut out = vec![RgbaF32::default(); width * height];
    let mut run = vec![RgbaF32::default(); width];
    for (y, row) in out.chunks_mut(width).enumerate() {
        host::resample_row(&step.pass, step.taps.weights(), src, y, row, &mut run);
    }
    out
}

fn whole_passes(plan: &Plan, src: &[RgbaF32], (width, height): (u32, u32)) -> Vec<RgbaF32> {
    match plan {
        Plan::Identity => src.to_vec(),
        Plan::Nearest {
            columns,
            rows,
            pitch,
        } => {
            let mut out = vec![RgbaF32::default(); (width * height) as usize];
            for (y, row) in out.chunks_mut(width as usize).enumerate() {
                let (columns, rows) = (columns.weights(), rows.weights());
                host::nearest_row(columns, rows, *pitch as usize, src, y, row);
            }
            out
        }
        Plan::One(step) => pass(step, src),
        Plan::Two(first, last) => pass(last, &pass(first, src)),
    }
}

fn bits(pixels: &[RgbaF32]) -> &[[u32; 4]] {
    bytemuck::cast_slice(pixels)
}

/// The picture of this size that a plan makes.
fn resampled(plan: &Plan, source: Source<'_>, (width, height): (u32, u32)) -> Vec<RgbaF32> {
    let mut made = vec![RgbaF32::default(); (width * height) as usize];
    make_rows(&Rows::of(plan, source).unwrap(), width as usize, &mut made);
    made
}

/// Which part of a picture is resampled.
fn samplings(source: (u32, u32), size: (u32, u32)) -> Vec<Sampling> {
    let part = |of: u32, positions| Extent {
        size: of,
        begin: f64::from(of) * 0.13,
        end: f64::from(of) * 0.91,
        positions,
    };
    let (whole, cover) = (Sampling::whole(source, size), Sampling::cover(source, size));
    let cropped = Sampling {
        columns: part(source.0, size.0),
        rows: part(source.1, size.1),
    };
    let one_axis = Sampling {
        columns: whole.columns,
        ..cropped
    };
    vec![whole, cover, cropped, one_axis]
}

/// Sizes of one part and of many, of sums of more than one run, of both orders of the axes.
const SIZES: [[(u32, u32); 2]; 9] = [
    [(1, 1), (1, 1)],
    [(3, 5), (7, 2)],
    [(40, 30), (40, 30)],
    [(40, 30), (40, 11)],
    [(40, 30), (13, 30)],
    [(9, 700), (5, 2)],
    [(700, 9), (3, 20)],
    [(330, 420), (170, 260)],
    [(70, 50), (330, 300)],
];

#[test]
fn pictures_are_those_of_whole_passes() {
    let (mut one, mut two, mut parts) = (0, 0, 0);
    for [source, size] in SIZES {
        let src = floats((source.0 * source.1) as usize, source.0);
        for sampling in samplings(source, size) {
            for (filter, input) in FILTERS.into_iter().flat_map(|f| INPUTS.map(|i| (f, i))) {
                let plan = Plan::new(&sampling, filter, input, [0.25, 0.5, 1.0]).unwrap();
                let expected = whole_passes(&plan, &src, size);
                let source = Source::Floats(&src, source.0 as usize);
                let made = resampled(&plan, source, size);
                assert!(
                    bits(&made) == bits(&expected),
                    "{filter:?} {input:?} {sampling:?}"
                );
                let few = Rows::of(&plan, source).unwrap().few(size.0 as usize);
                parts += usize::from(few < size.1 as usize);
                one += usize::from(matches!(plan, Plan::One(_)));
                two += usize::from(matches!(plan, Plan::Two(..)));
            }
        }
    }
    assert!(one > 50 && two > 200 && parts > 10, "{one} {two} {parts}");
}

/// The file's pixels in every layout, turned and cropped.
#[test]
fn rows_of_a_file_are_those_of_its_floats() {
    let stored = (45_u32, 38_u32);
    for layout in Layout::ALL {
        let bytes = noise((stored.0 * stored.1) as usize * layout.bytes_per_pixel(), 3);
        for (number, orientation) in Orientation::ALL.into_iter().enumerate() {
            let (width, height) = orientation.size(stored.0, stored.1);
            let view = View {
                left: number as u32 % 3,
                top: number as u32 % 2,
                ..View::whole(orientation, width, height)
            };
            let spec = ExpandSpec {
                layout,
                curve: [Curve::Encoded, Curve::Linear][number % 2],
                view,
                width: width - 4,
                height: height - 3,
            };
            let file = cpu::FilePixels {
                bytes: &bytes,
                spec,
                conversion: None,
            };
            let size = (spec.width, spec.height);
            let mut floats = vec![RgbaF32::default(); spec.len()];
            cpu::expand(spec, &bytes, &mut floats);
            for (filter, to) in [
                (Filter::Triangle, size),
                (Filter::Nearest, (20, 60)),
                (Filter::Triangle, (17, 12)),
                (Filter::Lanczos3, (70, 9)),
                (Filter::CatmullRom, (11, 80)),
            ] {
                for sampling in samplings(size, to) {
                    let plan = Plan::new(&sampling, filter, Input::Straight, [0.0; 3]).unwrap();
                    let sources = [Source::File(file), Source::Floats(&floats, size.0 as usize)];
                    let made = sources.map(|source| resampled(&plan, source, to));
                    let [file, floats] = &made;
                    assert!(
                        bits(file) == bits(floats),
                        "{layout:?} {orientation:?} {filter:?}"
                    );
                }
            }
        }
    }
}

/// Pictures of different sizes at their places, with padding, and nothing beside them.
#[test]
fn pictures_of_a_tensor_are_made_together() {
    use imagecuda_kernels::tensor::{TensorChannels, TensorElement, TensorLayout};
    let size = (31_u32, 20_u32);
    let bytes = (size.0 * size.1 * 3 * 4) as usize;
    let sources = [(60, 20), (31, 20), (7, 90), (400, 300)];
    let pixels = sources.map(|(w, h)| {
        let floats = floats((w * h) as usize, w);
        let mut pixels = crate::memory::Reused::for_overwrite(floats.len()).unwrap();
        pixels.copy_from_slice(&floats);
        (floats, Pixels::from(pixels))
    });
    let jobs = sources.map(|source| {
        let place = Placement::contained(source, size);
        let sampling = Sampling::whole(source, (place.width, place.height));
        let plan = Plan::new(&sampling, Filter::Triangle, Input::Opaque, [0.0; 3]).unwrap();
        let spec = TensorSpec {
            width: size.0,
            height: size.1,
            left: place.left,
            top: place.top,
            inner_width: place.width,
            inner_height: place.height,
            layout: TensorLayout::Nhwc as u32,
            channels: TensorChannels::Rgb as u32,
            element: TensorElement::F32 as u32,
            scale: [1.0; 4],
            pad: [0.5, 0.25, 0.125, 1.0],
            ..bytemuck::Zeroable::zeroed()
        };
        TensorJob { plan, spec, source }
    });
    // One place is left out between them.
    let places = [0, 2, 3, 4].map(|picture| picture * bytes..(picture + 1) * bytes);
    let mut made = vec![7_u8; 5 * bytes];
    let together = places.iter().zip(&jobs).zip(&pixels);
    tensor(
        together.map(|((place, job), (_, pixels))| (place.clone(), job, pixels)),
        &mut made,
    )
    .unwrap();
    assert!(made[bytes..2 * bytes].iter().all(|&byte| byte == 7));
    for ((place, job), (floats, _)) in places.into_iter().zip(&jobs).zip(&pixels) {
        let TensorSpec {
            left,
            top,
            inner_width,
            inner_height,
            pad,
            ..
        } = job.spec;
        let inner = whole_passes(&job.plan, floats, (inner_width, inner_height));
        let mut expected = Vec::new();
        for (x, y) in (0..size.1).flat_map(|y| (0..size.0).map(move |x| (x, y))) {
            let is_inner =
                (left..left + inner_width).contains(&x) && (top..top + inner_height).contains(&y);
            let RgbaF32(pixel) = match is_inner {
                true => inner[((y - top) * inner_width + x - left) as usize],
                false => RgbaF32(pad),
            };
            expected.extend(pixel[..3].iter().flat_map(|v| v.to_ne_bytes()));
        }
        assert!(made[place] == expected, "{:?}", job.source);
    }
}
