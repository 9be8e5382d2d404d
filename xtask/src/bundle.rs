//! `cargo xtask bundle`: what a machine with a GPU and no Rust can run.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Failure,
    args::Args,
    custom_kernel,
    messages::{Program, programs},
    sh,
};

pub(crate) const HELP: &str = "\
cargo xtask bundle [--with DIR]

Builds the tests, examples and benches of imagecuda (release, features `cuda` and `dlpack`) and lays them,
with the data that they need, into target/bundle. There, on a machine with a GPU:

  ./run.sh test [FILTER]          every test, on the GPU; none may be skipped
  ./run.sh bench [NAME] [ARGS]    one benchmark, or all
  ./run.sh example NAME [ARGS]    an example

The example custom_kernel is among them if there is rust-src to compile its kernel with.

Programs are compressed, and unpacked by the first call.

Without HEIF and AVIF: their codecs are shared libraries, which such a machine lacks.

The scripts that measure peers lie in benches/peers: any Python runs them. examples/check.py
tries examples/libdlpack.so with PyTorch.

The data lies as in the repository, under the folder that IMAGECUDA_DATA_DIR names.

  --with DIR    one more folder of data, as data/DIR's name
";

/// Data folders, where they lie in the repository; what is not there is left out.
const DATA: [&str; 4] = [
    "tests/data",
    "examples/data",
    "benches/data",
    "fuzz/regressions",
];

/// Folders of scripts, and where they lie in the bundle.
const SCRIPTS: [(&str, &str); 2] = [
    ("benches/peers", "benches/peers"),
    ("examples/dlpack", "examples"),
];

/// Benchmarks of the host alone.
const BENCHES_LEFT_OUT: [&str; 2] = ["codecs", "host"];

/// What still travels well.
const MOST_BYTES: u64 = 64 << 20;

const RUN: &str = include_str!("run.sh");

/// Cargo's arguments for each kind of program. Examples are programs only under `build`.
const BUILDS: [(&str, &[&str]); 3] = [
    // Not the library's own tests, none of which needs a device.
    ("tests", &["test", "--no-run", "--release", "--test", "*"]),
    ("examples", &["build", "--release", "--examples"]),
    ("benches", &["bench", "--no-run", "--benches"]),
];

pub(crate) fn run(args: &mut Args) -> Result<(), Failure> {
    let with = args.value("--with")?;
    args.finish()?;
    let bundle = sh::target().join("bundle");
    if bundle.exists() {
        fs::remove_dir_all(&bundle).map_err(sh::io(&bundle))?;
    }

    let strip = sh::works("strip", &["--version"]);
    for (folder, command) in BUILDS {
        let mut cargo = sh::cargo();
        cargo.args(command).args([
            "--package",
            "imagecuda",
            "--features",
            "cuda,cudarc,dlpack,ndarray",
            "--quiet",
        ]);
        // Diagnostics are for people, on standard error; the rest is for us.
        cargo.arg("--message-format=json-render-diagnostics");
        let built = programs(&sh::listen(&mut cargo)?);
        let count = lay(&built, folder, &bundle.join(folder), strip)?;
        say!("{folder}: {count}");
    }

    lay_custom_kernel(&bundle.join("examples"), strip)?;
    pack_programs(&bundle)?;
    for (from, to) in SCRIPTS {
        copy_scripts(&sh::root().join(from), &bundle.join(to))?;
    }
    let data = bundle.join("data");
    fs::create_dir_all(&data).map_err(sh::io(&data))?;
    for folder in DATA {
        copy_folder(&sh::root().join(folder), &data.join(folder))?;
    }
    if let Some(folder) = with {
        let from = PathBuf::from(&folder);
        let name = from
            .file_name()
            .ok_or("--with needs a folder with a name")?;
        if !from.is_dir() {
            return Err(format!("--with {folder}: there is no such folder"));
        }
        copy_folder(&from, &data.join(name))?;
    }
    let script = bundle.join("run.sh");
    fs::write(&script, RUN).map_err(sh::io(&script))?;
    executable(&script)?;

    let bytes = size(&bundle)?;
    say!(
        "{}: {:.1} MiB",
        bundle.display(),
        bytes as f64 / f64::from(1 << 20)
    );
    if bytes > MOST_BYTES {
        return Err(format!(
            "the bundle is too large: {} MiB, and {} are allowed",
            bytes >> 20,
            MOST_BYTES >> 20
        ));
    }
    Ok(())
}

/// Copies the programs of the kind that belongs into `folder`, without cargo's hashes.
fn lay(built: &[Program], folder: &str, into: &Path, strip: bool) -> Result<usize, Failure> {
    let wanted = |program: &&Program| match folder {
        "tests" => program.kind == "test",
        // But libraries for the library's own tests.
        "examples" => program.kind == "example" && !program.name.starts_with("fake_"),
        _ => program.kind == "bench" && !BENCHES_LEFT_OUT.contains(&&*program.name),
    };
    let mut names = BTreeSet::new();
    for program in built.iter().filter(wanted) {
        lay_one(&program.path, &program.file_name(), into, strip)?;
        if !names.insert(&program.name) {
            return Err(format!(
                "two programs in {folder} are called {}",
                program.name
            ));
        }
    }
    Ok(names.len())
}

fn lay_one(program: &Path, name: &str, into: &Path, strip: bool) -> Result<(), Failure> {
    fs::create_dir_all(into).map_err(sh::io(into))?;
    let to = into.join(name);
    fs::copy(program, &to).map_err(sh::io(program))?;
    if strip {
        sh::read(sh::command("strip").arg(&to))?;
    }
    Ok(())
}

/// Packs the programs into one archive, which `run.sh` unpacks. Together they are small, for each has
/// the same kernels. A library stays as it is, for those who use it do not ask `run.sh`.
fn pack_programs(bundle: &Path) -> Result<(), Failure> {
    if !sh::works("tar", &["--version"]) || !sh::works("xz", &["--version"]) {
        return Ok(());
    }
    let mut programs = Vec::new();
    for folder in ["tests", "examples", "benches"] {
        let path = bundle.join(folder);
        for entry in fs::read_dir(&path).map_err(sh::io(&path))?.flatten() {
            if entry.path().extension().is_none() {
                programs.push(Path::new(folder).join(entry.file_name()));
            }
        }
    }
    sh::read(
        sh::command("tar")
            .arg("-C")
            .arg(bundle)
            .arg("--use-compress-program=xz --lzma2=preset=3,dict=192MiB")
            .arg("-cf")
            .arg(bundle.join("programs.tar.xz"))
            .args(&programs),
    )?;
    for program in programs {
        let program = bundle.join(program);
        fs::remove_file(&program).map_err(sh::io(&program))?;
    }
    Ok(())
}

/// The example that is a workspace of its own, if it can be built.
fn lay_custom_kernel(into: &Path, strip: bool) -> Result<(), Failure> {
    if let Some(reason) = custom_kernel::missing()? {
        say!("examples: WITHOUT custom_kernel: {reason}");
        return Ok(());
    }
    let program = custom_kernel::build(&["--release"])?;
    lay_one(&program, custom_kernel::NAME, into, strip)
}

/// Copies files and folders, if there are any; links are no data.
fn copy_folder(from: &Path, to: &Path) -> Result<(), Failure> {
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(to).map_err(sh::io(to))?;
    for entry in fs::read_dir(from).map_err(sh::io(from))? {
        let entry = entry.map_err(sh::io(from))?;
        let kind = entry.file_type().map_err(sh::io(from))?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target).map_err(sh::io(&target))?;
        }
    }
    Ok(())
}

/// Copies the Python files, and not what Python leaves beside them.
fn copy_scripts(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to).map_err(sh::io(to))?;
    for entry in fs::read_dir(from).map_err(sh::io(from))? {
        let path = entry.map_err(sh::io(from))?.path();
        if let (Some("py"), Some(name)) =
            (path.extension().and_then(|e| e.to_str()), path.file_name())
        {
            let target = to.join(name);
            fs::copy(&path, &target).map_err(sh::io(&target))?;
        }
    }
    Ok(())
}

fn size(folder: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(sh::io(folder))? {
        let entry = entry.map_err(sh::io(folder))?;
        let metadata = entry.metadata().map_err(sh::io(folder))?;
        bytes += if metadata.is_dir() {
            size(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(bytes)
}

/// Lets everyone run `file`, where there are permissions.
pub(crate) fn executable(file: &Path) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).map_err(sh::io(file))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}
