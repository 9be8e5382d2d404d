//! How much time is spent on a file.

use super::*;

#[test]
fn every_effort_makes_a_file_and_the_defaults_are_two_of_them() {
    let size = (96, 64);
    let data = picture(size.0, size.1, Layout::Rgb8);
    for (format, default) in [(Format::Heif, 4), (Format::Avif, 3)] {
        let file = |options: SaveOptions| encode(format, size, Layout::Rgb8, &data, &options);
        let options = SaveOptions::new().quality(70);
        let files: Vec<Vec<u8>> = (0..=6)
            .map(|effort| file(options.clone().effort(effort)).unwrap())
            .collect();
        for file in &files {
            let (_, out) = decode(format, file).unwrap();
            assert!(psnr(&out, &data) > 28.0, "{format}");
        }
        assert!(file(options).unwrap() == files[default], "{format}");
        assert!(files[0] != files[6], "{format}");
    }
}

/// The file does not say how many threads made it.
#[test]
fn files_are_the_same_by_one_thread_and_by_all() {
    let size = (200, 330);
    let data = picture(size.0, size.1, Layout::Rgb8);
    for format in FORMATS {
        let options = SaveOptions::new().quality(70);
        let file = || encode(format, size, Layout::Rgb8, &data, &options).unwrap();
        let by_all = file();
        let others: Vec<_> = (0..rayon::current_num_threads())
            .map(|_| threads::Share::new())
            .collect();
        assert_eq!(threads::Share::new().threads(), 1);
        assert!(file() == by_all, "{format}");
        // Nor do the pixels.
        let by_one = decode(format, &by_all).unwrap();
        drop(others);
        assert!(decode(format, &by_all).unwrap() == by_one, "{format}");
    }
}

/// The threads that a picture may have. All are the same to aom but one.
#[test]
fn any_number_of_threads_that_aom_may_have_makes_the_same_file() {
    let (width, height) = (200, 330);
    let data = picture(width, height, Layout::Rgb8);
    let pixels = Pixels {
        width,
        height,
        layout: Layout::Rgb8,
        data: &data,
    };
    let image = image(pixels).unwrap();
    let file = |threads| {
        let mut encoder = LIBHEIF.encoder_for_format(CompressionFormat::Av1).unwrap();
        encoder.set_quality(EncoderQuality::Lossy(70)).unwrap();
        let threads = EncoderParameterValue::Int(threads);
        encoder.set_parameter_value("threads", threads).unwrap();
        let mut context = HeifContext::new().unwrap();
        let options = EncodingOptions::new().unwrap();
        context
            .encode_image(&image, &mut encoder, Some(options))
            .unwrap();
        context.write_to_bytes().unwrap()
    };
    let by_two = file(2);
    for threads in [3, 5, 16] {
        assert!(file(threads) == by_two, "{threads}");
    }
}
