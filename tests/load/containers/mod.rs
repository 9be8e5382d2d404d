//! Files that are sloppy around their pixels: these come out as ever, or the file is refused for
//! what it says of them.

mod apng;
mod jpeg;
mod others;
mod png;

use crate::support::same;
use imagecuda::{ColorPolicy, Device, Error, ErrorKind, JpegDecoder, LoadOptions};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = jpeg::trials();
    trials.extend(png::trials());
    trials.extend(apng::trials());
    trials.extend(others::trials());
    trials
}

/// A picture: its width, its height, its pixels.
type Picture = (u32, u32, Vec<u8>);

/// What a file shows, whatever decodes it.
#[track_caller]
fn load(device: &Device, file: &[u8]) -> Result<Picture, Error> {
    let [host, kernels] = [JpegDecoder::Host, JpegDecoder::Kernels].map(|decoder| {
        let options = LoadOptions::new()
            .jpeg_decoder(decoder)
            .color_policy(ColorPolicy::Raw);
        let image = options.decode_u8(device, file)?;
        Ok::<_, Error>((image.width(), image.height(), image.download()?))
    });
    let text = |result: &Result<Picture, Error>| result.as_ref().err().map(Error::to_string);
    assert_eq!(text(&host), text(&kernels));
    if let (Ok(host), Ok(kernels)) = (&host, &kernels) {
        assert_eq!((host.0, host.1), (kernels.0, kernels.1));
        same(&host.2, &kernels.2, "host and kernels");
    }
    host
}

#[track_caller]
fn shows(device: &Device, file: &[u8], expected: &Picture, what: &str) {
    let found = load(device, file).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!((found.0, found.1), (expected.0, expected.1), "{what}");
    same(&found.2, &expected.2, what);
}

#[track_caller]
fn refused(device: &Device, file: &[u8], why: &str) {
    let error = load(device, file).expect_err(why);
    let kinds = matches!(
        error.kind(),
        ErrorKind::Decode(_) | ErrorKind::Unsupported(_)
    );
    assert!(
        kinds && error.to_string().contains(why),
        "{error}, not {why}"
    );
}
