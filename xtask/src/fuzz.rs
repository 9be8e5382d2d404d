//! `cargo xtask fuzz`: the targets in `fuzz/`, built with libFuzzer and the address sanitizer by
//! the toolchain that builds the rest. `cargo fuzz` would do as well, with a nightly one.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Failure,
    args::Args,
    messages::{Program, programs},
    sh,
};

pub(crate) const HELP: &str = "\
cargo xtask fuzz [TARGET...] [--seconds N] [--corpus DIR] [--smoke]

Builds the fuzz targets (fuzz/fuzz_targets) and runs them one after the other: those named, else all but
load_heif, which builds libheif and wants its codecs. Each begins with small files that
fuzz/seeds makes, those in fuzz/regressions, and those in the folder that IMAGECUDA_CORPUS names, or in
../shared/corpus if that is there.
It needs the sanitizers' libraries, which the toolchain of x86_64 and aarch64 Linux has.

  --seconds N     for each target, by default 60
  --corpus DIR    where what is found is kept, in a folder for each target; by default fuzz/corpus
  --smoke         10 seconds for each, from the seeds alone; nothing is kept
";

const MANIFEST: &str = "fuzz/Cargo.toml";
/// Built with another set of features, for which libheif must be built.
const HEIF: &str = "load_heif";
/// The longest input.
const MOST_BYTES: u64 = 1 << 16;

/// What cargo-fuzz has rustc do, but for what only its nightly one can.
const RUSTFLAGS: &str = "--cfg fuzzing -Zsanitizer=address -Ccodegen-units=1 \
    -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

pub(crate) fn run(args: &mut Args) -> Result<(), Failure> {
    let smoke = args.flag("--smoke");
    let seconds = match args.value("--seconds")? {
        Some(text) => text.parse().map_err(|_| format!("--seconds {text}?"))?,
        None if smoke => 10,
        None => 60,
    };
    let corpus = args.value("--corpus")?;
    let corpus = corpus.map_or_else(|| sh::root().join("fuzz/corpus"), PathBuf::from);
    let targets: Vec<String> = std::iter::from_fn(|| args.positional()).collect();
    args.finish()?;
    match missing()? {
        Some(reason) => Err(reason),
        None => fuzz(&targets, seconds, (!smoke).then_some(corpus.as_path())),
    }
}

/// All targets for a short time, as a step of the tests.
pub(crate) fn smoke() -> Result<(), Failure> {
    let mut format = sh::cargo();
    format.args(["fmt", "--manifest-path", MANIFEST]);
    sh::run(format.args(["--", "--check", "-l"]))?;
    match missing()? {
        None => {
            let mut clippy = cargo("fuzz", RUSTFLAGS)?;
            clippy.args(["clippy", "--release", "--locked", "--quiet"]);
            clippy.args(["--manifest-path", MANIFEST, "--all-targets"]);
            sh::run(clippy.args(["--", "-D", "warnings"]))?;
            fuzz(&[], 10, None)
        }
        Some(reason) if env::var_os("CI").is_some() => Err(reason),
        Some(reason) => {
            say!("THE FUZZ TARGETS WERE NEITHER BUILT NOR RUN: {reason}");
            Ok(())
        }
    }
}

/// Why they cannot be built, if it is for want of the sanitizer.
fn missing() -> Result<Option<String>, Failure> {
    let sysroot = sh::read(sh::command("rustc").args(["--print", "sysroot"]))?;
    let library = Path::new(sysroot.trim()).join(format!("lib/rustlib/{}/lib", sh::host()?));
    let files = fs::read_dir(&library).map_err(sh::io(&library))?;
    let is_it = |name: &str| name.starts_with("librustc") && name.contains("_rt.asan.");
    let found = files
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .any(|name| is_it(&name));
    Ok((!found).then(|| format!("{} has no address sanitizer", library.display())))
}

/// Cargo for what is built with the address sanitizer and `flags`, in a folder of its own.
pub(crate) fn cargo(folder: &str, flags: &str) -> Result<Command, Failure> {
    let mut cargo = sh::cargo();
    cargo
        .env("RUSTFLAGS", flags)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        // The sanitizer is there in a stable toolchain, and the way to ask for it is not stable.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", sh::target().join(folder))
        // Or else build scripts would be sanitized too.
        .env("CARGO_BUILD_TARGET", sh::host()?);
    Ok(cargo)
}

fn fuzz(targets: &[String], seconds: u32, corpus: Option<&Path>) -> Result<(), Failure> {
    let built = build(targets)?;
    let seeds = sh::target().join("fuzz/seeds");
    make_seeds(&built, &seeds)?;
    // Seconds by the clock for one input; as a step of the tests for what never ends, however busy the
    // machine is.
    let patience = if corpus.is_some() { 25 } else { 1800 };
    let mut failures = Vec::new();
    for program in built.iter().filter(|program| program.kind == "bin") {
        let scratch = sh::target().join("fuzz/found");
        let found = corpus.unwrap_or(&scratch).join(&program.name);
        if corpus.is_none() && found.exists() {
            fs::remove_dir_all(&found).map_err(sh::io(&found))?;
        }
        if let Err(failure) = run_one(program, [seconds, patience], &found, &seeds) {
            say!("{failure}");
            failures.push(program.name.as_str());
        }
    }
    match failures.is_empty() {
        true => Ok(()),
        false => Err(format!("found something: {}", failures.join(", "))),
    }
}

fn build(targets: &[String]) -> Result<Vec<Program>, Failure> {
    let mut cargo = cargo("fuzz", RUSTFLAGS)?;
    cargo.args(["build", "--release", "--locked", "--quiet"]);
    cargo.args(["--manifest-path", MANIFEST, "--example", "seeds"]);
    cargo.arg("--message-format=json-render-diagnostics");
    for target in targets {
        cargo.args(["--bin", target]);
    }
    if targets.is_empty() {
        cargo.arg("--bins");
    }
    if targets.iter().any(|target| target == HEIF) {
        cargo.args(["--features", "heif-vendored"]);
    }
    let mut built = programs(&sh::listen(&mut cargo)?);
    built.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(built)
}

/// Writes the seeds to folders within `folder`, one for each target.
fn make_seeds(built: &[Program], folder: &Path) -> Result<(), Failure> {
    let seeds = built.iter().find(|program| program.kind == "example");
    let seeds = seeds.ok_or("cargo built no seeds")?;
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(sh::io(folder))?;
    }
    sh::read(sh::command(&seeds.path).arg(folder))?;

    let corpus = env::var_os("IMAGECUDA_CORPUS").map(PathBuf::from);
    let mut corpus = vec![corpus.unwrap_or_else(|| sh::root().join("../shared/corpus"))];
    while let Some(at) = corpus.pop().filter(|at| at.is_dir()) {
        for entry in fs::read_dir(&at).map_err(sh::io(&at))? {
            let path = entry.map_err(sh::io(&at))?.path();
            if path.is_dir() {
                corpus.push(path);
                continue;
            }
            let length = fs::metadata(&path).map_err(sh::io(&path))?.len();
            let (Some(target), Some(name)) = (target_of(&path), path.file_name()) else {
                continue;
            };
            if length <= MOST_BYTES {
                let folder = folder.join(target);
                fs::create_dir_all(&folder).map_err(sh::io(&folder))?;
                fs::copy(&path, folder.join(name)).map_err(sh::io(&path))?;
            }
        }
    }
    Ok(())
}

/// Whose seed a file is, by its name.
fn target_of(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "avif" | "heic" | "heif" => HEIF,
        "gif" => "load_gif",
        "jpg" | "jpeg" => "load_jpeg",
        "png" => "load_png",
        "tif" | "tiff" => "load_tiff",
        "webp" => "load_webp",
        "bmp" | "exr" | "hdr" | "ico" | "pam" | "pbm" | "pfm" | "pgm" | "ppm" | "qoi" | "tga" => {
            "load_other"
        }
        _ => return None,
    })
}

fn run_one(
    program: &Program,
    [seconds, patience]: [u32; 2],
    found: &Path,
    seeds: &Path,
) -> Result<(), Failure> {
    let name = &program.name;
    let artifacts = sh::root().join("fuzz/artifacts").join(name);
    let regressions = sh::root().join("fuzz/regressions").join(name);
    let mut command = sh::command(&program.path);
    command
        .env("RAYON_NUM_THREADS", "1")
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={MOST_BYTES}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(format!("-timeout={patience}"))
        .args(["-rss_limit_mb=3072", "-print_final_stats=1"]);
    for folder in [found, &artifacts] {
        fs::create_dir_all(folder).map_err(sh::io(folder))?;
    }
    let known = [found, &seeds.join(name), &regressions];
    command.args(known.into_iter().filter(|folder| folder.is_dir()));
    let output = command
        .output()
        .map_err(|error| format!("cannot run {name}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let numbers = numbers(&said);
    let number = |key| numbers.get(key).copied().unwrap_or_default();
    say!(
        "{name}: {} runs in {seconds} s, {} edges",
        number("stat::number_of_executed_units:"),
        number("cov:"),
    );
    match output.status.success() {
        true => Ok(()),
        false => {
            let lines: Vec<&str> = said.lines().collect();
            let last = lines[lines.len().saturating_sub(80)..].join("\n");
            Err(format!(
                "{last}\n{name} failed ({}); to run it again:\n  {} FILE",
                output.status,
                program.path.display()
            ))
        }
    }
}

/// The last number behind each word.
fn numbers(said: &str) -> BTreeMap<&str, u64> {
    let words: Vec<&str> = said.split_whitespace().collect();
    let pairs = words.windows(2);
    pairs
        .filter_map(|pair| Some((pair[0], pair[1].parse().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_last_counts() {
        let said = "#2 INITED cov: 5 ft: 6\n#9 DONE   cov: 7 ft: 9\n\
            stat::number_of_executed_units: 9\nstat::peak_rss_mb: 30\n";
        let numbers = numbers(said);
        assert_eq!(numbers["cov:"], 7);
        assert_eq!(numbers["stat::number_of_executed_units:"], 9);
        assert!(!numbers.contains_key("INITED"));
    }
}
