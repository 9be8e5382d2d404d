//! Passes that are made row by row.

use super::{
    super::{passes::Passes, source::Source},
    bits, resampled, whole_passes,
};
use crate::{
    Filter,
    color::{Cicp, ColorDescription, Conversion},
    device::{
        ExpandSpec,
        cpu::{self, FilePixels},
        resample::{passes, rows::Rows},
    },
    resample::{Plan, Sampling},
};
use imagecuda_kernels::{
    expand::Curve,
    layout::Layout,
    orient::{Orientation, View},
    pixel::RgbaF32,
    resample::Input,
};

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as u32
    }

    fn below(&mut self, end: u32) -> u32 {
        self.next() % end
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

/// A picture's part in another size.
fn sampling(noise: &mut Noise, source: (u32, u32), size: (u32, u32)) -> Sampling {
    let mut sampling = Sampling::whole(source, size);
    if noise.below(2) == 0 {
        for axis in [&mut sampling.columns, &mut sampling.rows] {
            let begin = noise.below(axis.size);
            let end = begin + 1 + noise.below(axis.size - begin);
            axis.begin = f64::from(begin) + f64::from(noise.below(2)) * 0.125;
            axis.end = f64::from(end);
        }
    }
    sampling
}

const FILTERS: [Filter; 5] = [
    Filter::Box,
    Filter::Triangle,
    Filter::CatmullRom,
    Filter::Mitchell,
    Filter::Lanczos3,
];

#[test]
fn rows_are_those_of_passes_through_memory() {
    let mut noise = Noise(1);
    let mut tried = 0;
    for round in 0..600u32 {
        // Some are so much smaller that a sum has several runs.
        let most = if round % 8 == 0 { 700 } else { 90 };
        let source = (1 + noise.below(most), 1 + noise.below(most));
        let size = (1 + noise.below(60), 1 + noise.below(60));
        let input =
            [Input::Sum, Input::Straight, Input::Opaque, Input::Over][noise.below(4) as usize];
        let filter = FILTERS[noise.below(5) as usize];
        let sampling = sampling(&mut noise, source, size);
        let plan = Plan::new(&sampling, filter, input, [0.25, 1.5, -0.5]).unwrap();
        let len = (source.0 * source.1) as usize;
        let src: Vec<_> = (0..len)
            .map(|_| {
                let alpha = [0.0, 1.0, 0.375, 1e-8][noise.below(4) as usize];
                let mut number = || noise.next() as f32 / (1 << 30) as f32 - 0.5;
                RgbaF32([number(), number(), number(), alpha])
            })
            .collect();
        if matches!(plan, Plan::Identity | Plan::Nearest { .. }) {
            continue;
        }
        tried += 1;
        let from = Source::Floats(&src, source.0 as usize);
        let mut found = resampled(&plan, from, size);
        let expected = whole_passes(&plan, &src, size);
        assert!(
            bits(&found) == bits(&expected),
            "{sampling:?} {filter:?} {input:?}"
        );
        // The last rows first.
        let passes = Passes::of(&plan, from).unwrap();
        let mut memory = passes::Memory::default();
        for (y, row) in found.chunks_mut(size.0 as usize).enumerate().rev() {
            passes.make(y, row, &mut memory);
        }
        assert!(
            bits(&found) == bits(&expected),
            "{sampling:?} {filter:?} {input:?}"
        );
    }
    assert!(tried > 500, "{tried}");
}

#[test]
fn pixels_of_a_file_are_those_of_the_expanded_file() {
    use Layout::{Cmyk8, L8, L16, La8, Rgb8, Rgb16, Rgba8, Rgba16};
    let mut noise = Noise(2);
    let (mut few, mut tried) = (0, 0);
    for round in 0..800u32 {
        let layout = [L8, Rgb8, Rgba8, La8, L16, Rgb16, Rgba16, Cmyk8][round as usize % 8];
        let orientation = match noise.below(2) {
            0 => Orientation::Normal,
            _ => Orientation::ALL[noise.below(8) as usize],
        };
        // The whole of what is viewed, and the part of it that is resampled.
        let whole = (1 + noise.below(120), 1 + noise.below(120));
        let (left, top) = (noise.below(whole.0), noise.below(whole.1));
        let source = (
            1 + noise.below(whole.0 - left),
            1 + noise.below(whole.1 - top),
        );
        let spec = ExpandSpec {
            layout,
            curve: Curve::Encoded,
            view: View {
                orientation,
                width: whole.0,
                height: whole.1,
                left,
                top,
            },
            width: source.0,
            height: source.1,
        };
        let bytes = noise.bytes((whole.0 * whole.1) as usize * layout.bytes_per_pixel());
        let size = (1 + noise.below(70), 1 + noise.below(70));
        let filter = FILTERS[noise.below(5) as usize];
        let input = [Input::Straight, Input::Sum, Input::Over][noise.below(3) as usize];
        let sampling = sampling(&mut noise, source, size);
        let plan = Plan::new(&sampling, filter, input, [0.5, 2.0, 0.0]).unwrap();
        let wide_gamut = ColorDescription {
            cicp: Some(Cicp {
                primaries: 9,
                transfer: 13,
            }),
            ..ColorDescription::default()
        };
        let conversion = match noise.below(4) {
            0 => Conversion::of(wide_gamut, layout),
            _ => None,
        };
        let conversion = conversion.as_deref();
        let from = Source::File(FilePixels {
            bytes: &bytes,
            spec,
            conversion,
        });
        let found = resampled(&plan, from, size);
        tried += u32::from(Passes::of(&plan, from).is_some());
        few += u32::from(Passes::of(&plan, from).is_some_and(|passes| passes.channels() < 4));
        let mut expanded = vec![RgbaF32::default(); spec.len()];
        match conversion {
            Some(conversion) => cpu::expand_converted(spec, conversion, &bytes, &mut expanded),
            None => cpu::expand(spec, &bytes, &mut expanded),
        }
        let expected = whole_passes(&plan, &expanded, size);
        assert!(
            bits(&found) == bits(&expected),
            "{spec:?} {sampling:?} {filter:?} {input:?}"
        );
    }
    assert!(tried > 700 && few > 40, "{tried} {few}");
}

/// Where so many rows become one that they do not fit a core's cache, the passes go through memory.
#[test]
fn wide_filters_go_through_memory() {
    let (width, height) = (4000, 300);
    let mut noise = Noise(3);
    let src: Vec<_> = (0..width * height)
        .map(|_| RgbaF32([0, 1, 2, 3].map(|_| noise.below(256) as f32 / 255.0)))
        .collect();
    let size = (5, 2);
    let sampling = Sampling::whole((width, height), size);
    let plan = Plan::new(&sampling, Filter::Lanczos3, Input::Straight, [0.0; 3]).unwrap();
    let from = Source::Floats(&src, width as usize);
    assert!(Passes::of(&plan, from).is_none() && Rows::needs_whole(&plan, from));
    assert!(bits(&resampled(&plan, from, size)) == bits(&whole_passes(&plan, &src, size)));
    // So do rows that are very wide.
    let (wide, size) = ((width * height, 1), (7, 3));
    let from = Source::Floats(&src, wide.0 as usize);
    let sampling = Sampling::whole(wide, size);
    let plan = Plan::new(&sampling, Filter::Triangle, Input::Straight, [0.0; 3]).unwrap();
    assert!(Passes::of(&plan, from).is_none());
    assert!(bits(&resampled(&plan, from, size)) == bits(&whole_passes(&plan, &src, size)));
}
