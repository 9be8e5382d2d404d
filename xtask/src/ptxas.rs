//! NVIDIA's assembler: finding one, fetching one, and what it says about the kernels.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{Failure, bundle, sh};

/// The release that makes the machine code: the last one that knows sm_52.
pub(crate) const VERSION: &str = "12.9.86";

/// A ptxas that runs.
#[derive(Debug)]
pub(crate) struct Ptxas(PathBuf);

/// The ptxas that is there: the one that was asked for, or the first of the usual places.
pub(crate) fn find(named: Option<&str>) -> Result<Option<Ptxas>, Failure> {
    let asked = named.map(str::to_owned).or_else(|| env::var("PTXAS").ok());
    if let Some(path) = asked.filter(|path| !path.is_empty()) {
        return match runs(Path::new(&path)) {
            true => Ok(Some(Ptxas(path.into()))),
            false => Err(format!("{path} is no ptxas that runs")),
        };
    }
    let usual = [
        "ptxas".into(),
        "/usr/local/cuda/bin/ptxas".into(),
        fetched(),
    ];
    Ok(usual.into_iter().find(|path| runs(path)).map(Ptxas))
}

fn runs(path: &Path) -> bool {
    path.to_str()
        .is_some_and(|path| sh::works(path, &["--version"]))
}

fn folder() -> PathBuf {
    sh::target().join("ptxas")
}

fn fetched() -> PathBuf {
    folder().join("nvidia/cuda_nvcc/bin/ptxas")
}

/// The ptxas that is there, or the one that PyPI has.
pub(crate) fn find_or_fetch(named: Option<&str>) -> Result<Ptxas, Failure> {
    match find(named)? {
        Some(ptxas) => Ok(ptxas),
        None => fetch(),
    }
}

/// Gets ptxas from PyPI. It is NVIDIA's, and stays in the target folder.
fn fetch() -> Result<Ptxas, Failure> {
    let wheel = format!("nvidia-cuda-nvcc-cu12=={VERSION}");
    let download = folder().join("download");
    let _ = fs::remove_dir_all(folder());
    fs::create_dir_all(&download).map_err(sh::io(&download))?;
    sh::read(
        sh::command("python3")
            .args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(["--no-deps", "--only-binary=:all:", &wheel, "-d"])
            .arg(&download),
    )
    .map_err(|failure| format!("cannot fetch ptxas from PyPI: {failure}"))?;
    let file = fs::read_dir(&download)
        .map_err(sh::io(&download))?
        .flatten()
        .next();
    let file = file.ok_or("pip downloaded nothing")?.path();
    sh::read(
        sh::command("python3")
            .args(["-m", "zipfile", "-e"])
            .arg(&file)
            .arg(folder()),
    )?;
    let _ = fs::remove_dir_all(&download);
    let ptxas = fetched();
    // Python's zipfile forgets who may run what.
    bundle::executable(&ptxas)?;
    match runs(&ptxas) {
        true => Ok(Ptxas(ptxas)),
        false => Err(format!("{wheel} has no ptxas that runs here")),
    }
}

impl Ptxas {
    /// Its version as `12.9.86`; empty if it does not tell.
    pub(crate) fn version(&self) -> Result<String, Failure> {
        let text = sh::read(sh::command(&self.0).arg("--version"))?;
        let version = text.split(", V").nth(1).unwrap_or_default();
        let is_part = |c: char| c.is_ascii_digit() || c == '.';
        let end = version.find(|c| !is_part(c)).unwrap_or(version.len());
        Ok(version[..end].to_owned())
    }

    /// The machine code of `ptx` for the GPUs of `arch`: `sm_90`, say.
    pub(crate) fn assemble(
        &self,
        ptx: &Path,
        arch: &str,
        verbose: bool,
    ) -> Result<Vec<u8>, Failure> {
        let code = sh::target().join(format!("{arch}.cubin"));
        let mut command = sh::command(&self.0);
        command
            .arg(format!("-arch={arch}"))
            .arg("-v")
            .arg("-o")
            .args([&code, ptx]);
        let output = command.output().map_err(sh::io(&self.0))?;
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said + String::from_utf8_lossy(&output.stdout);
        let said: Vec<&str> = said.lines().collect();
        if !output.status.success() {
            let errors = said.iter().filter(|line| !line.starts_with("ptxas info"));
            let errors: Vec<&str> = errors.copied().take(40).collect();
            return Err(format!("{arch}: ptxas refuses it:\n{}", errors.join("\n")));
        }
        for line in said.iter().filter(|line| line.contains("warning")) {
            say!("{arch}: {line}");
        }
        let kernels = kernels(&said);
        say!("{arch}: {}", summary(&kernels));
        if verbose {
            kernels
                .iter()
                .for_each(|kernel| say!("  {}", kernel.line()));
        }
        let bytes = fs::read(&code).map_err(sh::io(&code))?;
        let _ = fs::remove_file(&code);
        Ok(bytes)
    }
}

/// What `ptxas -v` tells of a kernel; bytes, except for the registers.
#[derive(Debug, Default, PartialEq)]
struct Kernel {
    name: String,
    registers: u32,
    stack: u32,
    spill_stores: u32,
    spill_loads: u32,
    shared: u32,
}

impl Kernel {
    fn line(&self) -> String {
        let Self {
            name,
            registers,
            stack,
            spill_stores,
            spill_loads,
            shared,
        } = self;
        format!(
            "{name:<40} {registers:>3} registers, stack {stack}, spills {spill_stores}/\
             {spill_loads}, shared {shared}"
        )
    }
}

fn summary(kernels: &[Kernel]) -> String {
    let most = kernels
        .iter()
        .map(|kernel| kernel.registers)
        .max()
        .unwrap_or(0);
    let spilling = kernels
        .iter()
        .filter(|k| k.spill_stores + k.spill_loads > 0)
        .count();
    format!(
        "{} kernels, at most {most} registers, {spilling} spilling",
        kernels.len()
    )
}

/// Reads what `ptxas -v` says: a line with the name, then the figures of that function, then
/// of functions that it calls.
fn kernels(said: &[&str]) -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = Vec::new();
    let mut own = false;
    for line in said {
        if let Some((_, rest)) = line.split_once("Compiling entry function '") {
            let name = rest.split('\'').next().unwrap_or(rest).to_owned();
            kernels.push(Kernel {
                name,
                ..Kernel::default()
            });
            continue;
        }
        let Some(kernel) = kernels.last_mut() else {
            continue;
        };
        if let Some((_, function)) = line.split_once("Function properties for ") {
            own = function.trim() == kernel.name;
        } else if line.contains("bytes stack frame") {
            // A function that is called adds its spills to the kernel's.
            if own {
                kernel.stack = before(line, " bytes stack frame");
            }
            kernel.spill_stores += before(line, " bytes spill stores");
            kernel.spill_loads += before(line, " bytes spill loads");
        } else if line.contains(": Used ") {
            kernel.registers = before(line, " registers");
            kernel.shared = before(line, " bytes smem");
        }
    }
    kernels
}

/// The number in front of `unit`, else 0.
fn before(line: &str, unit: &str) -> u32 {
    let number = line
        .split_once(unit)
        .and_then(|(left, _)| left.rsplit([' ', ',']).next());
    number.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read() {
        let said = [
            "ptxas info    : 0 bytes gmem",
            "ptxas info    : Compiling entry function 'one' for 'sm_52'",
            "ptxas info    : Function properties for one",
            "    8 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads",
            "ptxas info    : Used 10 registers, used 0 barriers, 64 bytes smem, 344 bytes cmem[0]",
            "ptxas info    : Compiling entry function 'two' for 'sm_52'",
            "ptxas info    : Function properties for helper",
            "    16 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads",
            "ptxas info    : Used 7 registers, 328 bytes cmem[0]",
        ];
        let one = Kernel {
            name: "one".to_owned(),
            registers: 10,
            stack: 8,
            spill_stores: 4,
            spill_loads: 12,
            shared: 64,
        };
        let two = Kernel {
            name: "two".to_owned(),
            registers: 7,
            ..Kernel::default()
        };
        assert_eq!(kernels(&said), [one, two]);
        assert_eq!(
            summary(&kernels(&said)),
            "2 kernels, at most 10 registers, 1 spilling"
        );
    }
}
