//! Damaged animations and documents, files damaged anywhere, and real ones.

use crate::support::{
    Noise,
    animations::{self, RGBA8},
    bits, corpus,
    cuts::tolerant,
    pictures::picture,
    same,
};
use imagecuda::{Device, ErrorKind, Format, LoadOptions, SaveOptions};
use libtest_mimic::Trial;
use std::fs;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        frames_end_where_the_file_is_cut,
        a_still_of_a_damaged_file_is_its_one_frame,
        no_damage_is_too_much,
        files_that_are_whole_are_as_ever,
        nothing_in_the_corpus_is_too_damaged,
    ])
}

fn frames_end_where_the_file_is_cut(device: &Device) {
    let size = [40, 30];
    let parts = animations::parts(3, size, 5, &[0, 255]);
    for file in [
        animations::gif_file(size, &parts, None),
        animations::png_file(size, &parts, RGBA8),
        animations::webp_file(size, &parts, 0),
    ] {
        let frames = LoadOptions::new().frames_bytes(device, &file[..]).unwrap();
        let pixels = |frame: imagecuda::Frame| bits(&frame.image().download().unwrap());
        let whole: Vec<_> = frames.map(|frame| pixels(frame.unwrap())).collect();
        assert_eq!(whole.len(), parts.len());

        let mut frames = tolerant().frames_bytes(device, &file[..]).unwrap();
        assert_eq!(frames.by_ref().count(), parts.len());
        assert!(!frames.is_truncated());

        let mut before = 0;
        for keep in (0..file.len()).step_by(11) {
            let what = || format!("{keep} of {} bytes", file.len());
            let Ok(mut frames) = tolerant().frames_bytes(device, &file[..keep]) else {
                assert_eq!(before, 0, "{}", what());
                continue;
            };
            let mut count = 0;
            for frame in frames.by_ref() {
                let frame = match frame {
                    Ok(frame) => frame,
                    Err(error) => {
                        let kind = error.kind();
                        assert!(matches!(kind, ErrorKind::Decode(_)), "{error}");
                        assert_eq!((count, before), (0, 0), "{}: {error}", what());
                        break;
                    }
                };
                let pixels = pixels(frame);
                // The first may be there in part.
                if count > 0 || pixels == whole[0] {
                    same(&pixels, &whole[count], what());
                }
                count += 1;
            }
            assert!(count >= before, "{}: {count} after {before}", what());
            assert!(
                frames.is_truncated() || count == 0 || count == whole.len(),
                "{}: {count}",
                what()
            );
            before = count;

            let mut frames = tolerant().frames_bytes(device, &file[..keep]).unwrap();
            if count > 1 {
                assert_eq!(frames.skip_frames(99).unwrap().len(), count, "{}", what());
            }
        }
        assert!(before >= 4, "{before}");
    }
}

fn a_still_of_a_damaged_file_is_its_one_frame(device: &Device) {
    let image = picture(device, 40, 30);
    for format in [Format::Qoi, Format::Jpeg, Format::Png] {
        let options = SaveOptions::new().background([0; 3]);
        let file = options.encode_u8(&image, format).unwrap();
        let cut = &file[..file.len() / 2];
        let expected = tolerant().decode(device, cut).unwrap();
        let mut frames = tolerant().frames_bytes(device, cut).unwrap();
        let frame = frames.next().unwrap().unwrap();
        let [a, b] = [frame.image(), &expected].map(|image| bits(&image.download().unwrap()));
        same(&a, &b, format);
        assert!(frames.is_truncated());
        assert!(frames.next().is_none());

        // A picture that does not fit is still to come.
        let mut frames = tolerant().frames_bytes(device, cut).unwrap();
        let mut small = imagecuda::Image::new(device, 2, 2).unwrap();
        let error = frames.next_into(&mut small).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OverCapacity { .. }));
        assert!(frames.open_next().unwrap().is_some());
        assert!(frames.open_next().unwrap().is_none());
    }
}

fn no_damage_is_too_much(device: &Device) {
    let mut noise = Noise::new(77);
    let image = picture(device, 40, 33);
    let jpeg = SaveOptions::new().quality(70);
    let files = [
        (Format::Jpeg, jpeg.clone()),
        (Format::Jpeg, jpeg.progressive(true)),
        (Format::Png, SaveOptions::new()),
        (Format::WebP, SaveOptions::new()),
        (Format::WebP, SaveOptions::new().quality(60)),
        (
            Format::Tiff,
            SaveOptions::new().compression(imagecuda::Compression::Lzw),
        ),
        (Format::Gif, SaveOptions::new()),
        (Format::Bmp, SaveOptions::new()),
        (Format::Tga, SaveOptions::new()),
        (Format::Ico, SaveOptions::new()),
        (Format::Qoi, SaveOptions::new()),
        (Format::Pnm, SaveOptions::new()),
        (Format::Hdr, SaveOptions::new()),
        (Format::Exr, SaveOptions::new()),
    ];
    for (format, options) in files {
        let file = options.encode_u8(&image, format).unwrap();
        let options = tolerant().format(format).max_pixels(100_000);
        for round in 0..150 {
            let mut damaged = file.clone();
            for _ in 0..1 + round % 4 {
                let at = noise.next() as usize % damaged.len();
                damaged[at] = (noise.next() >> 40) as u8;
            }
            if round % 3 == 0 {
                damaged.truncate(noise.next() as usize % damaged.len() + 1);
            }
            if let Ok(found) = options.open_bytes(device, &damaged) {
                found.into_image().unwrap();
            }
        }
    }
}

fn files_that_are_whole_are_as_ever(device: &Device) {
    let Some(corpus) = corpus() else {
        return;
    };
    for name in ["jpeg", "png", "webp", "tiff", "gif", "bmp"] {
        for entry in fs::read_dir(corpus.join(name)).unwrap() {
            let path = entry.unwrap().path();
            let strict = LoadOptions::new().open(device, &path);
            let Ok(strict) = strict else {
                continue;
            };
            let found = tolerant().open(device, &path).unwrap();
            assert!(!found.is_truncated(), "{}", path.display());
            let [a, b] = [strict, found]
                .map(|decoded| bits(&decoded.into_image().unwrap().download().unwrap()));
            assert!(a == b, "{}", path.display());
        }
    }
}

fn nothing_in_the_corpus_is_too_damaged(device: &Device) {
    let Some(corpus) = corpus() else {
        return;
    };
    let mut had = 0;
    for entry in fs::read_dir(corpus.join("bad")).unwrap() {
        let path = entry.unwrap().path();
        let strict = LoadOptions::new().load(device, &path);
        match (strict, tolerant().open(device, &path)) {
            (strict, Ok(found)) => {
                assert_eq!(found.is_truncated(), strict.is_err(), "{}", path.display());
                had += usize::from(found.is_truncated());
                found.into_image().unwrap();
            }
            (Ok(_), Err(error)) => panic!("{error}"),
            (Err(_), Err(_)) => {}
        }
    }
    assert!(had >= 5, "{had}");
    // Real files, in pieces.
    for folder in ["jpeg", "png", "webp", "gif", "bmp", "tiff"] {
        for entry in fs::read_dir(corpus.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            if bytes.len() > 200_000 {
                continue;
            }
            for tenth in 1..10 {
                let options = tolerant().max_pixels(4_000_000);
                let _ = options.decode(device, &bytes[..bytes.len() * tenth / 10]);
            }
        }
    }
}
