//! The kernels' machine code for the usual GPUs, so that no driver has to compile their PTX.

use std::{
    fs,
    io::{Read, Write},
    path::PathBuf,
};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};

use crate::{
    Failure, ptx,
    ptxas::{Ptxas, VERSION},
    sh,
};

/// The oldest that kernels.ptx is for. It is assembled as a check; the driver compiles it there.
const OLDEST: &str = "sm_52";

/// Every generation of GPUs that has machine code of its own: module.rs has the same list.
const ARCHS: [&str; 7] = [
    "sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120",
];

/// Writes the machine code of kernels.ptx.
pub(crate) fn write(ptxas: &Ptxas, verbose: bool) -> Result<(), Failure> {
    let version = ptxas.version()?;
    if version != VERSION {
        return Err(format!(
            "machine code is written with ptxas {VERSION}, and this one is {version}"
        ));
    }
    let folder = folder();
    fs::create_dir_all(&folder).map_err(sh::io(&folder))?;
    ptxas.assemble(&ptx::file(), OLDEST, verbose)?;
    let mut total = 0;
    for arch in ARCHS {
        let code = ptxas.assemble(&ptx::file(), arch, verbose)?;
        let file = file(arch);
        // The compressed bytes may differ from version to version of the compressor.
        if stored(arch).is_ok_and(|old| old == code) {
            continue;
        }
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&code).map_err(sh::io(&file))?;
        let compressed = encoder.finish().map_err(sh::io(&file))?;
        total += compressed.len();
        fs::write(&file, compressed).map_err(sh::io(&file))?;
    }
    let note = folder.join("made_of.txt");
    fs::write(&note, made_of()?).map_err(sh::io(&note))?;
    say!("machine code: {} KiB written", total / 1024);
    Ok(())
}

/// Fails if the machine code is not what kernels.ptx gives.
pub(crate) fn check(ptxas: &Ptxas, verbose: bool) -> Result<(), Failure> {
    let stale = || "the machine code is stale: run `cargo xtask ptx` and commit it".to_owned();
    let note = folder().join("made_of.txt");
    let note = fs::read_to_string(note).map_err(|_| stale())?;
    if note.replace("\r\n", "\n") != made_of()? {
        return Err(stale());
    }
    let version = ptxas.version()?;
    say!("assembling with ptxas {version}");
    ptxas.assemble(&ptx::file(), OLDEST, verbose)?;
    for arch in ARCHS {
        let code = ptxas.assemble(&ptx::file(), arch, verbose)?;
        if version == VERSION && stored(arch)? != code {
            return Err(format!("{arch}: {}", stale()));
        }
    }
    match version == VERSION {
        true => say!("the machine code is what kernels.ptx gives, byte for byte"),
        false => say!("NOT COMPARED with the machine code, which is of ptxas {VERSION}"),
    }
    Ok(())
}

fn folder() -> PathBuf {
    ptx::file().with_file_name("machine_code")
}

fn file(arch: &str) -> PathBuf {
    folder().join(format!("{arch}.zlib"))
}

/// The machine code that is in the repository.
fn stored(arch: &str) -> Result<Vec<u8>, Failure> {
    let file = file(arch);
    let compressed = fs::read(&file).map_err(sh::io(&file))?;
    let mut code = Vec::new();
    let mut decoder = ZlibDecoder::new(&compressed[..]);
    decoder.read_to_end(&mut code).map_err(sh::io(&file))?;
    Ok(code)
}

/// The hash of the kernels' sources, as the first line of kernels.ptx has it, and the assembler.
fn made_of() -> Result<String, Failure> {
    let file = ptx::file();
    let text = fs::read_to_string(&file).map_err(sh::io(&file))?;
    let first = text.lines().next().unwrap_or_default();
    let hash = first.rsplit("sources ").next().unwrap_or_default();
    Ok(format!("{hash}\nptxas {VERSION}\n"))
}
