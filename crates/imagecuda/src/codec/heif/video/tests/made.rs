//! Files of many kinds, made by x265: the engines' pixels against the host's.

use super::{grids::grid_of, *};
use crate::{
    Device, VideoDecoder,
    codec::{
        heif::tests::clap::cropped,
        tests::engines::{by_threads, pixels},
    },
    device::video::test_gpu,
};
use libheif_rs::{Chroma, ColorProfileRaw, Encoder, ImageOrientation, color_profile_types};
use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

/// Numbers that look random, and are the same in each run.
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678)
    }

    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub(super) fn below(&mut self, end: u32) -> u32 {
        (self.next() % u64::from(end)) as u32
    }

    pub(super) fn between(&mut self, first: u32, last: u32) -> u32 {
        first + self.below(last - first + 1)
    }

    pub(super) fn one_in(&mut self, count: u32) -> bool {
        self.below(count) == 0
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u32) as usize]
    }
}

#[derive(Clone, Debug)]
pub(super) struct Made {
    chroma: &'static str,
    bits: u8,
    /// Of the picture or of each tile.
    pub(super) size: [u32; 2],
    pub(super) tiles: Option<[u16; 2]>,
    cut: [u32; 2],
    matrix: u8,
    full_range: bool,
    has_alpha: bool,
    /// In a grid: each tile has its alpha, instead of a grid of alpha.
    tiles_have_alpha: bool,
    has_icc: bool,
    clap: Option<[i32; 8]>,
    orientation: ImageOrientation,
    quality: u8,
    has_threads: bool,
    seed: u64,
}

impl Made {
    pub(super) fn new(seed: u64) -> Self {
        let mut n = Numbers::new(seed);
        let chroma = n.of(&[
            "420", "420", "420", "420", "444", "444", "444", "422", "400",
        ]);
        let bits = n.of(&[8, 8, 8, 10, 10, 12]);
        let is_grid = n.one_in(3);
        let side = |n: &mut Numbers| match n.below(8) {
            0 => n.between(16, 143),
            1 => n.between(900, 1700),
            _ => n.between(144, 640),
        };
        let (size, tiles, cut) = match is_grid {
            true => {
                // Of chroma that tiles share the host is in charge.
                let tile = [n.between(72, 128), n.between(72, 128)].map(|half| 2 * half);
                let columns = n.between(1, 8);
                let rows = n.between(1 + u32::from(columns == 1), 8);
                let cut = [n.below(tile[0]), n.below(tile[1])];
                (tile, Some([columns as u16, rows as u16]), cut)
            }
            false if n.one_in(40) => ([n.between(2000, 8192), n.between(144, 300)], None, [0, 0]),
            false => {
                let (mut size, is_even) = ([side(&mut n), side(&mut n)], n.one_in(2));
                if is_even {
                    size = size.map(|side| side & !1);
                }
                (size, None, [0, 0])
            }
        };
        use ImageOrientation::*;
        let orientations = [
            Normal,
            Normal,
            Normal,
            FlipHorizontally,
            Rotate180,
            FlipVertically,
            Rotate90CwThenFlipHorizontally,
            Rotate90Cw,
            Rotate90CwThenFlipVertically,
            Rotate270Cw,
        ];
        // It would turn each tile of a grid.
        let orientation = if is_grid { Normal } else { n.of(&orientations) };
        // To odd and small sizes libheif adds a crop of its own.
        let may_be_cropped = !is_grid && size.iter().all(|&side| side >= 64 && side % 2 == 0);
        // The crop comes last.
        let seen = match orientation {
            Rotate90Cw
            | Rotate270Cw
            | Rotate90CwThenFlipHorizontally
            | Rotate90CwThenFlipVertically => [size[1], size[0]],
            _ => size,
        };
        let clap = (may_be_cropped && n.one_in(2)).then(|| {
            let kept = seen.map(|side| n.between(1, side));
            let moved = [0, 1].map(|i| {
                let free = (seen[i] - kept[i]) as i32;
                // In halves of a pixel, as the middle may be between two.
                2 * n.below(free as u32 + 1) as i32 - free
            });
            let [width, height] = kept.map(|side| side as i32);
            [width, 1, height, 1, moved[0], 2, moved[1], 2]
        });
        Self {
            chroma,
            bits,
            size,
            tiles,
            cut,
            matrix: match chroma {
                "444" => n.of(&[0, 1, 2, 4, 5, 6, 7, 8, 9, 12]),
                _ => n.of(&[1, 2, 4, 5, 6, 7, 8, 9, 12]),
            },
            full_range: n.one_in(2),
            has_alpha: n.one_in(if is_grid { 3 } else { 6 }),
            tiles_have_alpha: is_grid && n.one_in(4),
            has_icc: n.one_in(6),
            clap,
            orientation,
            quality: n.of(&[20, 50, 70, 90]),
            has_threads: n.one_in(2),
            seed,
        }
    }

    /// A small file of each kind.
    pub(super) fn of_every_kind() -> Vec<Vec<u8>> {
        let has: [fn(&Self) -> bool; 12] = [
            |made| made.chroma == "420" && made.bits == 8 && made.tiles.is_none(),
            |made| made.chroma == "444" && !made.full_range,
            |made| made.chroma == "422",
            |made| made.chroma == "400",
            |made| made.bits == 10,
            |made| made.bits == 12,
            |made| made.has_alpha && made.tiles.is_none(),
            |made| made.tiles.is_some() && !made.has_alpha,
            |made| made.tiles.is_some() && made.has_alpha,
            |made| made.clap.is_some(),
            |made| made.orientation != ImageOrientation::Normal,
            |made| made.has_icc,
        ];
        let is_small = |made: &Self| {
            let [columns, rows] = made.tiles.unwrap_or([1, 1]).map(u32::from);
            made.size[0] * made.size[1] * columns * rows < 200_000
        };
        let of = |has: &fn(&Self) -> bool| {
            let made = (0..)
                .map(Self::new)
                .find(|made| is_small(made) && has(made));
            made.unwrap().file()
        };
        has.iter().map(of).collect()
    }

    /// Whether the engines decode it.
    pub(super) fn is_for_engines(&self) -> bool {
        // Of the matrix 12 the primaries decide, which the host knows.
        matches!(self.chroma, "420" | "444")
            && self.matrix != 12
            && self.size.iter().all(|&side| side >= 144)
            && !(self.has_alpha && self.tiles_have_alpha)
    }

    /// The alpha of tiles, as pictures.
    fn alphas(&self, count: u32) -> Vec<Image> {
        if !self.has_alpha || self.tiles_have_alpha {
            return Vec::new();
        }
        let alpha = Self {
            chroma: "400",
            has_alpha: false,
            has_icc: false,
            ..self.clone()
        };
        (count..2 * count)
            .map(|number| alpha.image(number))
            .collect()
    }

    fn image(&self, number: u32) -> Image {
        let (space, shift) = match self.chroma {
            "420" => (ColorSpace::YCbCr(Chroma::C420), [1, 1]),
            "422" => (ColorSpace::YCbCr(Chroma::C422), [1, 0]),
            "444" => (ColorSpace::YCbCr(Chroma::C444), [0, 0]),
            _ => (ColorSpace::Monochrome, [0, 0]),
        };
        let [width, height] = self.size;
        let mut image = Image::new(width, height, space).unwrap();
        let chroma = [0, 1].map(|i| self.size[i].div_ceil(1 << shift[i]));
        let mut channels = vec![(Channel::Y, self.size)];
        if self.chroma != "400" {
            channels.extend([(Channel::Cb, chroma), (Channel::Cr, chroma)]);
        }
        if self.has_alpha && (self.tiles.is_none() || self.tiles_have_alpha) {
            channels.push((Channel::Alpha, self.size));
        }
        let mut n = Numbers::new(self.seed << 8 | u64::from(number));
        let most = (1_u32 << self.bits) - 1;
        for (channel, [width, height]) in channels {
            image
                .create_plane(channel, width, height, self.bits)
                .unwrap();
            let planes = image.planes_mut();
            let plane = match channel {
                Channel::Y => planes.y,
                Channel::Cb => planes.cb,
                Channel::Cr => planes.cr,
                _ => planes.a,
            };
            let plane = plane.unwrap();
            // Waves, steps and noise.
            let (across, down, kind) = (n.between(1, 9), n.between(1, 9), n.below(3));
            for (y, row) in (0..height).zip(plane.data.chunks_mut(plane.stride)) {
                for x in 0..width {
                    let noise = if (x / 32 + y / 32) % 5 == 0 {
                        n.below(most / 4)
                    } else {
                        0
                    };
                    let wave = match kind {
                        0 => (x * across + y * down) * most / 1500,
                        1 => ((x * across) ^ (y * down)) * most / 511,
                        _ => (x / 16 * across + y / 16 * down) * most / 40,
                    };
                    let sample = ((wave + noise) % (most + 1)) as u16;
                    match self.bits {
                        8 => row[x as usize] = sample as u8,
                        _ => row[2 * x as usize..][..2].copy_from_slice(&sample.to_ne_bytes()),
                    }
                }
            }
        }
        image
            .set_color_profile_nclx(&ColorProfileNCLX::new().unwrap())
            .unwrap();
        if self.has_icc {
            let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
            let icc = ColorProfileRaw::new(color_profile_types::PROF, icc);
            image.set_color_profile_raw(&icc).unwrap();
        }
        image
    }

    pub(super) fn file(&self) -> Vec<u8> {
        let format = CompressionFormat::Hevc;
        let mut encoder: Encoder<'_> = crate::codec::heif::LIBHEIF
            .encoder_for_format(format)
            .unwrap();
        encoder
            .set_quality(EncoderQuality::Lossy(self.quality))
            .unwrap();
        let set = |name: &str, value: &str| {
            let value = EncoderParameterValue::String(value.to_owned());
            encoder.set_parameter_value(name, value).unwrap();
        };
        set("preset", "ultrafast");
        if self.chroma != "400" {
            set("chroma", self.chroma);
        }
        if !self.has_threads {
            // Then no row of blocks begins with a new state of the arithmetic code.
            set("x265:pools", "none");
        }
        let mut options = EncodingOptions::new().unwrap();
        options.set_image_orientation(self.orientation);
        options.set_save_two_colr_boxes_when_icc_and_nclx_available(true);
        let mut file = match self.tiles {
            Some([columns, rows]) => {
                let count = u32::from(columns) * u32::from(rows);
                let tiles: Vec<_> = (0..count).map(|number| self.image(number)).collect();
                let alphas = self.alphas(count);
                let options = (options, EncodingOptions::new().unwrap());
                grid_of(
                    [&tiles, &alphas],
                    [columns, rows],
                    self.cut,
                    &mut encoder,
                    options,
                )
            }
            None => {
                let mut context = HeifContext::new().unwrap();
                context
                    .encode_image(&self.image(0), &mut encoder, Some(options))
                    .unwrap();
                context.write_to_bytes().unwrap()
            }
        };
        let is_nclx = |window: &[u8]| window == b"colrnclx";
        if let Some(at) = file.windows(8).position(is_nclx) {
            file[at + 12..][..2].copy_from_slice(&u16::from(self.matrix).to_be_bytes());
            file[at + 14] = if self.full_range { 0x80 } else { 0 };
        }
        match self.clap {
            Some(numbers) => cropped(&file, numbers, &[]),
            None => file,
        }
    }
}

/// The files are what they are meant to be, by what the host reads.
#[test]
fn made_files_are_of_all_kinds() {
    let mut kinds = [0; 7];
    for seed in 0..40 {
        let made = Made::new(seed);
        let [width, height] = made.size;
        if width * height > 300_000 {
            continue;
        }
        let file = made.file();
        let heif = crate::codec::heif::read_header(Format::Heif, &file, &Limits::default());
        let heif = heif.unwrap_or_else(|error| panic!("{made:?}: {error}"));
        let layout = heif.header.layout;
        assert_eq!(layout.has_alpha(), made.has_alpha, "{made:?}");
        assert_eq!(layout.channels() < 3, made.chroma == "400", "{made:?}");
        assert_eq!(layout.bits() > 8, made.bits > 8, "{made:?}");
        let planes = heif.planes(&Device::cpu()).unwrap();
        assert!(made.chroma == "400" || planes.picture.coded[0] >= 16);
        for (kind, is_it) in kinds.iter_mut().zip([
            made.tiles.is_some(),
            made.has_alpha,
            made.has_alpha && made.tiles.is_some() && made.is_for_engines(),
            made.clap.is_some(),
            made.bits == 12,
            made.has_icc,
            made.is_for_engines(),
        ]) {
            *kind += u32::from(is_it);
        }
    }
    assert!(kinds.iter().all(|&count| count > 0), "{kinds:?}");
}

#[test]
fn engines_give_the_hosts_pixels_of_made_files() {
    let Some(device) = test_gpu() else {
        return;
    };
    let wrong = Mutex::new(Vec::new());
    let [by_engines, by_auto] = [const { AtomicUsize::new(0) }; 2];
    by_threads(500, |number| {
        let made = Made::new(number as u64);
        let file = made.file();
        let (host, _) = pixels(&device, &file, VideoDecoder::Host);
        let (cpu, _) = pixels(&Device::cpu(), &file, VideoDecoder::Host);
        let (engine, by) = pixels(&device, &file, VideoDecoder::Engine);
        by_engines.fetch_add(usize::from(by), Ordering::Relaxed);
        // Decoders of its kind are there now.
        let (auto, by_auto_too) = pixels(&device, &file, VideoDecoder::Auto);
        by_auto.fetch_add(usize::from(by_auto_too), Ordering::Relaxed);
        let is_right = host == cpu && host == engine && host == auto;
        if !is_right || (made.is_for_engines() && !by) {
            let what = (host == cpu, host == engine, host == auto, by);
            let count = host.iter().zip(&engine).filter(|(a, b)| a != b).count();
            let text = format!("{what:?}, {count} of {} differ: {made:?}", host.len());
            wrong.lock().unwrap().push(text);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    let [by_engines, by_auto] = [by_engines, by_auto].map(AtomicUsize::into_inner);
    println!("{by_engines} of 500 by engines, {by_auto} by default");
    assert!(by_engines > 200 && by_auto > by_engines / 2);
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
