//! LogL and LogLuv: luminance as a logarithm, and colour as CIE u' and v'. See Greg Ward Larson,
//! "LogLuv encoding for full-gamut, high-dynamic range images". The primaries are libtiff's, which
//! has them from him.

/// The luminance of a sign bit and a logarithm of 15 bits.
pub(super) fn luminance(code: u16) -> f64 {
    let magnitude = match code & 0x7fff {
        0 => 0.0,
        exponent => ((f64::from(exponent) + 0.5) / 256.0 - 64.0).exp2(),
    };
    if code >> 15 == 1 {
        -magnitude
    } else {
        magnitude
    }
}

/// The linear colour of 16 bits of luminance and 8 bits each of u' and v', with BT.709's primaries
/// and equal-energy white, as in Radiance.
pub(super) fn color(code: u32) -> [f64; 3] {
    let y = luminance((code >> 16) as u16);
    if y <= 0.0 {
        return [0.0; 3];
    }
    let [u, v] = [8, 0].map(|shift| (f64::from(code >> shift & 0xff) + 0.5) / 410.0);
    let sum = 6.0 * u - 16.0 * v + 12.0;
    let [chroma_x, chroma_y] = [9.0 * u / sum, 4.0 * v / sum];
    let x = chroma_x / chroma_y * y;
    let z = (1.0 - chroma_x - chroma_y) / chroma_y * y;
    [
        2.690 * x - 1.276 * y - 0.414 * z,
        -1.022 * x + 1.978 * y + 0.044 * z,
        0.061 * x - 0.224 * y + 1.163 * z,
    ]
}

/// Unpacks rows of codes of `N` bytes to the machine's byte order. The file packs a row's highest
/// bytes first, then the next bytes, each as runs. Returns how many bytes are good.
pub(super) fn unpack_rows<const N: usize>(mut data: &[u8], row: usize, out: &mut [u8]) -> usize {
    let mut good = 0;
    for out in out.chunks_exact_mut(row) {
        let codes = out.as_chunks_mut::<N>().0;
        for byte in 0..N {
            if unpack_runs(&mut data, codes, byte).is_none() {
                return good;
            }
        }
        if cfg!(target_endian = "little") {
            codes.iter_mut().for_each(|code| code.reverse());
        }
        good += row;
    }
    good
}

/// Unpacks one byte of all codes of a row.
fn unpack_runs<const N: usize>(data: &mut &[u8], codes: &mut [[u8; N]], byte: usize) -> Option<()> {
    let mut at = 0;
    while at < codes.len() {
        let (&count, rest) = data.split_first()?;
        // Bytes of a run beyond the row are ignored.
        let left = codes.len() - at;
        let run = match count {
            128.. => (usize::from(count) - 126).min(left),
            _ => usize::from(count).min(left),
        };
        let codes = &mut codes[at..at + run];
        if count >= 128 {
            let (&value, rest) = rest.split_first()?;
            codes.iter_mut().for_each(|code| code[byte] = value);
            *data = rest;
        } else {
            let (values, rest) = rest.split_at_checked(run)?;
            let pairs = codes.iter_mut().zip(values);
            pairs.for_each(|(code, &value)| code[byte] = value);
            *data = rest;
        }
        at += run;
    }
    Some(())
}
