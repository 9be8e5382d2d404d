//! Large files, which go up to a GPU while their markers are read, and which several threads read.

use crate::support::pictures::{folder, picture};
use imagecuda::{Device, Format, JpegDecoder, LoadOptions, SaveOptions, Subsampling};
use std::fs;

/// A file of more than a million bytes, with a comment of a length.
fn file(comment: usize, progressive: bool, restarts: u16) -> Vec<u8> {
    let image = picture(&Device::cpu(), 1500, 1100);
    let options = SaveOptions::new()
        .background([0; 3])
        .quality(97)
        .subsampling(Subsampling::Yuv444)
        .progressive(progressive)
        .restart_interval(restarts);
    let file = options.encode_u8(&image, Format::Jpeg).unwrap();
    let (start, rest) = file.split_at(2);
    let length = (comment as u16 + 2).to_be_bytes();
    [start, &[0xff, 0xfe], &length, &vec![b'c'; comment], rest].concat()
}

/// The data begin at any address. Files are read into memory of the device's, so they are files here.
pub(super) fn files_that_go_up_ahead_have_the_same_pixels(device: &Device) {
    let folder = folder();
    let path = folder.path().join("large.jpg");
    let mut files: Vec<Vec<u8>> = (0..16).map(|comment| file(comment, false, 0)).collect();
    files.push(file(3, false, 50));
    files.push(file(3, true, 0));
    for file in &files {
        assert!(file.len() > 1 << 20);
        fs::write(&path, file).unwrap();
        let host = LoadOptions::new().jpeg_decoder(JpegDecoder::Host);
        let expected = host.decode_u8(&Device::cpu(), file).unwrap();
        let loaded = LoadOptions::new().load_u8(device, &path).unwrap();
        assert!(loaded.download().unwrap() == expected.download().unwrap());
    }
    // A file that ends early, and one with an error in its middle.
    let mut damaged = [files[0].clone(), files[0].clone()];
    damaged[0].truncate(700_000);
    damaged[1][600_000..600_200].fill(0xff);
    for file in damaged {
        fs::write(&path, &file).unwrap();
        assert!(LoadOptions::new().load(device, &path).is_err());
        let options = LoadOptions::new().allow_truncated(true);
        let expected = options.decode_u8(&Device::cpu(), &file).unwrap();
        let loaded = options.load_u8(device, &path).unwrap();
        assert!(loaded.download().unwrap() == expected.download().unwrap());
    }
}
