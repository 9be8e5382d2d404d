//! Real files against what other decoders made of them, and the GPU against the CPU on them.
//!
//! The files are no part of the project: `IMAGECUDA_CORPUS` names their folder, else it is
//! `corpus` within a bundle or `../shared/corpus` beside the repository; where there is none, the tests show as ignored.
//! Its `expected.tsv` gives for each file a verdict, the size, and an 8×8 grid of the mean
//! premultiplied colour and alpha, as two decoders that this project did not write agree on it.

use crate::support::{bits, corpus, same};
use imagecuda::{Device, ErrorKind, Format, Image, LoadOptions};
use libtest_mimic::{Failed, Trial};
use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

/// What a file does that the reference does not, and why. A file that stops doing so fails its
/// test, so that this list stays true.
const EXCEPTIONS: &[(&str, Exception, &str)] = {
    use Exception::Differs;
    &[
        (
            "avif/bimg__test.avif",
            Differs,
            "a BT.2020 matrix in limited range, whose blue coefficient (2.14) libyuv, which made \
             the reference, cuts to 2",
        ),
        (
            "avif/libavif__clap_irot_imir_non_essential.avif",
            Differs,
            "alpha is cropped and turned with the colours, as libavif does it; libheif, which made \
             the reference, scales all of it to their size",
        ),
        (
            "avif/libavif__color_grid_alpha_grid_gainmap_nogrid.avif",
            Differs,
            "it is PQ, which the reference takes for sRGB",
        ),
        (
            "avif/libavif__seine_hdr_srgb.avif",
            Differs,
            "it is PQ, which the reference takes for sRGB",
        ),
        (
            "heic/SDWebImage__TestHDR.heic",
            Differs,
            "it is BT.2020 and PQ, which the reference takes for sRGB",
        ),
        (
            "tiff/image-tiff__gradient-3c-32b.tiff",
            Differs,
            "32-bit integers are scaled here, and cut to their low byte by the reference",
        ),
    ]
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Exception {
    /// Loaded with other pixels.
    Differs,
}

pub(crate) fn trials() -> Vec<Trial> {
    let Some(folder) = corpus() else {
        let absent = Trial::test("corpus", || Err("there is no corpus".into()));
        return vec![absent.with_ignored_flag(true)];
    };
    let folder = Arc::new(folder);
    let table = fs::read_to_string(folder.join("expected.tsv")).expect("expected.tsv");
    let mut exceptions: BTreeMap<_, _> = EXCEPTIONS.iter().map(|e| (e.0, e)).collect();
    let no_gpu = crate::support::gpu_is_missing();
    let mut trials = Vec::new();
    for line in table.lines().skip(1) {
        let expected = Expected::parse(line);
        let path = expected.path.clone();
        let exception = exceptions.remove(path.as_str());
        let not_built_in = Format::from_path(Path::new(&path)).is_some_and(|f| !f.can_load());
        let file = folder.join(&path);
        trials.push(
            Trial::test(format!("cpu::{path}"), {
                let file = file.clone();
                move || check(&file, &expected, exception.map(|e| e.1))
            })
            .with_kind(exception.map_or("", |e| e.2))
            .with_ignored_flag(not_built_in),
        );
        if !not_built_in {
            trials.push(
                Trial::test(format!("cuda::{path}"), move || as_on_the_cpu(&file))
                    .with_ignored_flag(no_gpu),
            );
        }
    }
    assert!(exceptions.is_empty(), "not in the corpus: {exceptions:?}");
    trials
}

/// A line of the table.
struct Expected {
    path: String,
    verdict: String,
    size: Option<(u32, u32)>,
    /// 64 cells of premultiplied red, green, blue, and alpha.
    grid: Vec<u8>,
}

impl Expected {
    fn parse(line: &str) -> Self {
        let fields: Vec<&str> = line.split('\t').collect();
        let field = |i: usize| fields.get(i).copied().unwrap_or_default();
        let hex = field(4).as_bytes().chunks(2);
        Self {
            path: field(0).to_owned(),
            verdict: field(1).to_owned(),
            size: field(2).parse().ok().zip(field(3).parse().ok()),
            grid: hex
                .map(|h| u8::from_str_radix(str::from_utf8(h).unwrap(), 16).unwrap())
                .collect(),
        }
    }
}

fn check(file: &Path, expected: &Expected, exception: Option<Exception>) -> Result<(), Failed> {
    let loaded = LoadOptions::new().load(&Device::cpu(), file);
    if let Err(error) = &loaded {
        let text = error.to_string();
        let name = file.display().to_string();
        if !text.starts_with(&name) || text.contains('\n') {
            return Err(format!("not a clear error: {text}").into());
        }
        if matches!(
            error.kind(),
            ErrorKind::Io(_) | ErrorKind::OutOfMemory { .. }
        ) {
            return Err(format!("an answer about the file is wanted: {text}").into());
        }
    }
    let agrees = match (&loaded, expected.verdict.as_str()) {
        (Ok(image), "ok" | "single") => compare(image, expected),
        (Err(error), "ok" | "single") => Err(error.to_string()),
        // Others disagree, know nothing, or call it damaged: any clean answer will do.
        (_, "bad" | "none" | "disputed") => Ok(()),
        (_, other) => panic!("verdict {other}"),
    };
    match (exception, agrees, loaded.is_ok()) {
        (None, agrees, _) => agrees.map_err(Failed::from),
        (Some(Exception::Differs), Err(_), true) => Ok(()),
        (Some(exception), agrees, _) => {
            Err(format!("listed as {exception:?}, but is {agrees:?}").into())
        }
    }
}

fn compare(image: &Image, expected: &Expected) -> Result<(), String> {
    let size = (image.width(), image.height());
    if Some(size) != expected.size {
        return Err(format!("{size:?}, expected {:?}", expected.size));
    }
    let samples = image.download().map_err(|error| error.to_string())?;
    for (i, cell) in expected.grid.chunks(4).enumerate() {
        let mean = mean(&samples, size, i % 8, i / 8);
        for c in 0..4 {
            // Decoders differ in their IDCTs and rounding; a whole cell hardly notices.
            if (mean[c] - f64::from(cell[c])).abs() > 2.5 {
                let cell = (i % 8, i / 8);
                return Err(format!(
                    "cell {cell:?} is {mean:.1?}, expected {:?}",
                    &expected.grid[i * 4..i * 4 + 4]
                ));
            }
        }
    }
    Ok(())
}

/// The mean premultiplied colour and alpha, 0 to 255, of cell `i`, `j`.
fn mean(samples: &[f32], (width, height): (u32, u32), i: usize, j: usize) -> [f64; 4] {
    let (w, h) = (width as usize, height as usize);
    let rows = h * j / 8..(h * (j + 1) / 8).max(h * j / 8 + 1);
    let columns = w * i / 8..(w * (i + 1) / 8).max(w * i / 8 + 1);
    let mut sum = [0.0; 4];
    let count = (rows.len() * columns.len()) as f64;
    for y in rows {
        for x in columns.clone() {
            let pixel = &samples[(y * w + x) * 4..][..4];
            let unit = |v: f32| f64::from(v.clamp(0.0, 1.0));
            let alpha = unit(pixel[3]);
            for c in 0..3 {
                sum[c] += unit(pixel[c]) * alpha;
            }
            sum[3] += alpha;
        }
    }
    sum.map(|s| s / count * 255.0)
}

fn as_on_the_cpu(file: &Path) -> Result<(), Failed> {
    let gpu = Device::cuda(0).map_err(|error| error.to_string())?;
    let options = LoadOptions::new();
    match (options.load(&gpu, file), options.load(&Device::cpu(), file)) {
        (Ok(a), Ok(b)) => {
            assert_eq!((a.width(), a.height()), (b.width(), b.height()));
            let (a, b) = (a.download().unwrap(), b.download().unwrap());
            same(&bits(&a), &bits(&b), "pixels");
            let a = options.load_u8(&gpu, file).unwrap().download().unwrap();
            let b = options.load_u8(&Device::cpu(), file).unwrap();
            same(&a, &b.download().unwrap(), "bytes");
        }
        (Err(a), Err(b)) => assert_eq!(a.to_string(), b.to_string()),
        (a, b) => panic!("{a:?} on the GPU, {b:?} on the CPU"),
    }
    Ok(())
}
