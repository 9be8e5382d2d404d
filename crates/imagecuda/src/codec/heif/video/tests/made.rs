//! Files of many kinds, made by x265: the engines' pixels against the host's, and damage.

use super::{engines::pixels, grids::grid_of, *};
use crate::{
    Device, LoadOptions, VideoDecoder, codec::heif::tests::clap::cropped, device::video::test_gpu,
};
use libheif_rs::{Chroma, ColorProfileRaw, Encoder, ImageOrientation, color_profile_types};
use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
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

    fn between(&mut self, first: u32, last: u32) -> u32 {
        first + self.below(last - first + 1)
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.below(count) == 0
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u32) as usize]
    }
}

#[derive(Clone, Debug)]
struct Made {
    chroma: &'static str,
    bits: u8,
    /// Of the picture or of each tile.
    size: [u32; 2],
    tiles: Option<[u16; 2]>,
    cut: [u32; 2],
    matrix: u8,
    full_range: bool,
    has_alpha: bool,
    has_icc: bool,
    clap: Option<[i32; 8]>,
    orientation: ImageOrientation,
    quality: u8,
    has_threads: bool,
    seed: u64,
}

impl Made {
    fn new(seed: u64) -> Self {
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
        // To odd and small sizes libheif adds a crop of its own.
        let may_be_cropped = !is_grid && size.iter().all(|&side| side >= 64 && side % 2 == 0);
        let clap = (may_be_cropped && n.one_in(2)).then(|| {
            let kept = size.map(|side| n.between(1, side));
            let moved = [0, 1].map(|i| {
                let free = (size[i] - kept[i]) as i32;
                // In halves of a pixel, as the middle may be between two.
                2 * n.below(free as u32 + 1) as i32 - free
            });
            let [width, height] = kept.map(|side| side as i32);
            [width, 1, height, 1, moved[0], 2, moved[1], 2]
        });
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
            has_alpha: !is_grid && n.one_in(6),
            has_icc: n.one_in(6),
            clap,
            // It would turn each tile of a grid.
            orientation: if is_grid { Normal } else { n.of(&orientations) },
            quality: n.of(&[20, 50, 70, 90]),
            has_threads: n.one_in(2),
            seed,
        }
    }

    /// Whether the engines decode it.
    fn is_for_engines(&self) -> bool {
        matches!(self.chroma, "420" | "444") && self.size.iter().all(|&side| side >= 144)
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
        if self.has_alpha {
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

    fn file(&self) -> Vec<u8> {
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
                grid_of(&tiles, [columns, rows], self.cut, &mut encoder, options)
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

/// Calls `work` with all numbers below `count`, by several threads.
fn by_threads(count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            match next.fetch_add(1, Ordering::Relaxed) {
                number if number < count => work(number),
                _ => break,
            }
        }
    };
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
}

/// The files are what they are meant to be, by what the host reads.
#[test]
fn made_files_are_of_all_kinds() {
    let mut kinds = [0; 6];
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
            made.clap.is_some(),
            made.bits == 12,
            made.has_icc,
            made.is_for_engines(),
        ]) {
            *kind += u32::from(is_it);
        }
    }
    assert!(kinds.iter().all(|&count| count > 1), "{kinds:?}");
}

#[test]
fn engines_give_the_hosts_pixels_of_made_files() {
    let Some(device) = test_gpu() else {
        return;
    };
    let wrong = Mutex::new(Vec::new());
    let by_engines = AtomicUsize::new(0);
    by_threads(500, |number| {
        let made = Made::new(number as u64);
        let file = made.file();
        let (host, _) = pixels(&device, &file, VideoDecoder::Host);
        let (cpu, _) = pixels(&Device::cpu(), &file, VideoDecoder::Host);
        let (engine, by) = pixels(&device, &file, VideoDecoder::Engine);
        by_engines.fetch_add(usize::from(by), Ordering::Relaxed);
        let is_right = host == cpu && host == engine && (by || !made.is_for_engines());
        if !is_right {
            let what = (host == cpu, host == engine, by);
            let count = host.iter().zip(&engine).filter(|(a, b)| a != b).count();
            let text = format!("{what:?}, {count} of {} differ: {made:?}", host.len());
            wrong.lock().unwrap().push(text);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    println!("{} of 500 by engines", by_engines.into_inner());
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// `file` with damage: bits, bytes, zeros to the end, or the end missing.
fn damaged(file: &[u8], seed: u64) -> Vec<u8> {
    let mut n = Numbers::new(seed);
    let mut file = file.to_vec();
    // Mostly in the coded data, which are last.
    let first = if n.one_in(4) { 0 } else { file.len() / 2 };
    let at = n.between(first as u32, file.len() as u32 - 1) as usize;
    match n.below(8) {
        0..=3 => file[at] ^= 1 << n.below(8),
        4 => {
            let end = file.len().min(at + 24);
            file[at..end]
                .iter_mut()
                .for_each(|byte| *byte = n.below(256) as u8);
        }
        5 => file[at..].fill(0),
        _ => file.truncate(at),
    }
    file
}

/// An error is the host's, and nothing hangs.
#[test]
fn engines_leave_damage_to_the_host() {
    let Some(device) = test_gpu() else {
        return;
    };
    let files: Vec<_> = (1000..)
        .map(Made::new)
        .filter(|made| made.is_for_engines() && made.size[0] * made.size[1] < 100_000)
        .filter(|made| made.tiles.is_none_or(|[columns, rows]| columns * rows < 7))
        .take(24)
        .map(|made| made.file())
        .collect();
    let load = |file: &[u8], decoder| {
        let options = LoadOptions::new().video_decoder(decoder);
        let image = options.decode(&device, file);
        let image = image.map(|image| image.download().unwrap());
        image.map_err(|error| error.to_string())
    };
    let wrong = Mutex::new(Vec::new());
    // Errors, the same pixels, other pixels, and pixels where the host has an error.
    let counts = [const { AtomicUsize::new(0) }; 4];
    let count = damages();
    by_threads(count, |number| {
        let file = damaged(&files[number % files.len()], number as u64);
        let host = load(&file, VideoDecoder::Host);
        let engine = load(&file, VideoDecoder::Engine);
        let outcome = match (&host, &engine) {
            (Err(host), Err(engine)) if host == engine => 0,
            (Ok(host), Ok(engine)) if host == engine => 1,
            (Ok(_), Ok(_)) => 2,
            (Err(_), Ok(_)) => 3,
            (host, Err(engine)) => {
                let host = host.as_ref().map(|_| ());
                let text = format!("{number}: {host:?} and {engine}");
                wrong.lock().unwrap().push(text);
                return;
            }
        };
        counts[outcome].fetch_add(1, Ordering::Relaxed);
    });
    let counts = counts.map(AtomicUsize::into_inner);
    println!("of {count}: errors, same, other, unseen: {counts:?}");
    let ended = device.release_video_decoders();
    assert!(ended <= 16, "{ended}");
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// How many damaged files, which the environment may say.
fn damages() -> usize {
    let count = std::env::var("IMAGECUDA_DAMAGES").ok();
    count.and_then(|count| count.parse().ok()).unwrap_or(1000)
}
