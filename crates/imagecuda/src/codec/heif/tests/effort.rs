//! How much time is spent on a file.

use super::*;

#[test]
fn every_effort_makes_a_file_and_the_defaults_are_two_of_them() {
    let size = (96, 64);
    let data = picture(size.0, size.1, Layout::Rgb8);
    for (format, default) in [(Format::Heif, 5), (Format::Avif, 3)] {
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
