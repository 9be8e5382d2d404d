//! Large files, which several threads read and look for markers in.

use crate::support::pictures::{folder, picture};
use imagecuda::{Device, Format, JpegDecoder, LoadOptions, SaveOptions, Subsampling};
use std::fs;

/// A file of more than half a million bytes, with a comment of a length.
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

/// From files, as memory is not read. The data begin at any offset.
pub(super) fn large_files_have_the_same_pixels(device: &Device) {
    let folder = folder();
    let path = folder.path().join("large.jpg");
    let mut files: Vec<Vec<u8>> = (0..16).map(|comment| file(comment, false, 0)).collect();
    files.push(file(3, false, 50));
    files.push(file(3, true, 0));
    for file in &files {
        assert!(file.len() > 1 << 19, "{} bytes", file.len());
        fs::write(&path, file).unwrap();
        let host = LoadOptions::new().jpeg_decoder(JpegDecoder::Host);
        let expected = host.decode_u8(&Device::cpu(), file).unwrap();
        let loaded = LoadOptions::new().load_u8(device, &path).unwrap();
        assert!(loaded.download().unwrap() == expected.download().unwrap());
    }
    // A file that ends early, and one with an error in its middle.
    let mut damaged = [files[0].clone(), files[0].clone()];
    damaged[0].truncate(400_000);
    damaged[1][300_000..300_200].fill(0xff);
    for file in damaged {
        fs::write(&path, &file).unwrap();
        assert!(LoadOptions::new().load(device, &path).is_err());
        let options = LoadOptions::new().allow_truncated(true);
        let expected = options.decode_u8(&Device::cpu(), &file).unwrap();
        let loaded = options.load_u8(device, &path).unwrap();
        assert!(loaded.download().unwrap() == expected.download().unwrap());
    }
}
