//! Throwaway.
use super::*;
use crate::{Device, JpegDecoder, backend::Payload};

#[test]
fn corpus() {
    let mut files = Vec::new();
    for folder in ["jpeg", "photos", "bad"] {
        for entry in std::fs::read_dir(format!("/work/shared/corpus/{folder}")).unwrap() {
            files.push(entry.unwrap().path());
        }
    }
    files.sort();
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let Ok(file) = markers::parse(&bytes, false) else {
            println!(
                "{path:?}: no parse {:?}",
                markers::parse(&bytes, false).err().map(|e| e.to_string())
            );
            continue;
        };
        let header = Header {
            width: file.picture.width,
            height: file.picture.height,
            layout: match file.picture.components {
                1 => Layout::L8,
                3 => Layout::Rgb8,
                _ => Layout::Cmyk8,
            },
            curve: Curve::Encoded,
        };
        let Ok(frame) = frame::parse(&bytes, true) else {
            println!("{path:?}: no frame");
            continue;
        };
        let jpeg = Jpeg {
            bytes: &bytes,
            frame,
            header,
            file,
            damaged: false,
        };
        let Some(plan) = jpeg.plan() else {
            println!("{path:?}: no plan (progressive {})", jpeg.file.progressive);
            continue;
        };
        let start = std::time::Instant::now();
        let Some(Payload::Pixels(pixels)) = Device::cpu()
            .decode_jpeg(&jpeg, JpegDecoder::Kernels)
            .unwrap()
        else {
            println!("{path:?}: NOT DECODED");
            continue;
        };
        let took = start.elapsed();
        let out = std::process::Command::new("djpeg")
            .args(["-dct", "int", "-pnm"])
            .arg(&path)
            .output()
            .unwrap();
        let skip = |mut data: &[u8]| {
            for _ in 0..3 {
                let at = data.iter().position(|&b| b == b'\n').unwrap();
                data = &data[at + 1..];
            }
            data.to_vec()
        };
        if !out.status.success() || jpeg.file.picture.components == 4 {
            println!(
                "{path:?}: djpeg no: {}",
                String::from_utf8_lossy(&out.stderr)
            );
            continue;
        }
        let expected = skip(&out.stdout);
        let same = expected[..] == pixels[..];
        println!(
            "{path:?}: {} {:?} scans {} {took:?}",
            if same { "same" } else { "DIFFERENT" },
            (header.width, header.height),
            plan.scans.len()
        );
    }
}
