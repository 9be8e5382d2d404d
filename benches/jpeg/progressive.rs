//! Progressive files on one core of the host, beside libjpeg-turbo's decoder.

use imagecuda::{Device, JpegDecoder, LoadOptions, Result};
use mozjpeg::Decompress;
use std::{
    fs,
    hint::black_box,
    io,
    path::Path,
    time::{Duration, Instant},
};

/// How often each decodes a file, in turn; the fastest time counts.
const ROUNDS: usize = 25;

/// Prints what a whole decode takes, from bytes to 8-bit pixels, if the file is progressive.
///
/// libjpeg-turbo's decoder is mozjpeg's. It has its vector instructions if the bench is built with
/// `--features mozjpeg/nasm_simd`, which needs nasm.
pub(super) fn print(file: &Path) -> Result<()> {
    let bytes = fs::read(file)?;
    if !bytes.windows(2).any(|two| two == [0xff, 0xc2]) {
        return Ok(());
    }
    let options = LoadOptions::new().jpeg_decoder(JpegDecoder::Host);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let one = one.map_err(io::Error::other)?;
    let mut ours = Duration::MAX;
    let mut theirs = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let decoded = one.install(|| options.open_bytes(&Device::cpu(), &bytes))?;
        ours = ours.min(start.elapsed());
        drop(decoded);
        let start = Instant::now();
        let pixels = reference(&bytes)?;
        theirs = theirs.min(start.elapsed());
        black_box(pixels);
    }
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    println!(
        "\n{}: progressive, one core: {:.1} ms; libjpeg-turbo {:.1} ms, {ratio:.2} times as long",
        file.display(),
        ours.as_secs_f64() * 1e3,
        theirs.as_secs_f64() * 1e3,
    );
    Ok(())
}

fn reference(bytes: &[u8]) -> io::Result<Vec<[u8; 3]>> {
    Decompress::new_mem(bytes)?.rgb()?.read_scanlines()
}
