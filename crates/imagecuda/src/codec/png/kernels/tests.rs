//! The kernels, emulated, against the host.

mod deflate;
mod files;

use super::{
    super::{chunks::Head, decode},
    data,
};
use crate::codec::Decode;
use files::{File, Random};
use imagecuda_kernels::png::{
    cpu_emulation::{self, Input},
    decoder::work::status,
};

/// What the host makes of a file.
fn by_host(file: &[u8]) -> Option<Vec<u8>> {
    let decoder = decode::open(file).ok()?;
    let mut out = vec![0; decoder.header().bytes()];
    decoder.read_into(&mut out).ok()?;
    Some(out)
}

/// What the kernels make of it, or their status.
fn by_kernels(file: &[u8], backwards: bool) -> Result<Vec<u8>, u32> {
    let head = Head::read(file).map_err(|_| u32::MAX)?;
    let png = data(&head, file).ok_or(u32::MAX)?;
    let words = cpu_emulation::decode(Input {
        picture: png.picture,
        pieces: &png.pieces,
        palette: &png.palette,
        backwards,
    })?;
    Ok(bytemuck::cast_slice(&words)[..png.pixel_bytes].to_vec())
}

/// That the kernels decode a file, to what the host makes of it.
#[track_caller]
fn check(what: &str, file: &[u8]) {
    let host = by_host(file).unwrap_or_else(|| panic!("{what}: the host fails"));
    for backwards in [false, true] {
        match by_kernels(file, backwards) {
            Ok(pixels) => assert!(pixels == host, "{what}: other pixels"),
            Err(status) => panic!("{what}: status {status}, backwards {backwards}"),
        }
    }
}

#[test]
fn photographs_of_every_level() {
    let mut random = Random(1);
    let file = File::photo(&mut random, (700, 300), 2, 8);
    for level in [1, 6, 9] {
        let data = deflate::zlib(level, &file.rows);
        check(&format!("level {level}"), &file.with(&data, 8192));
    }
}
