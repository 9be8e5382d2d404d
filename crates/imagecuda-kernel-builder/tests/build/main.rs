//! Builds a small kernel crate for real, in two folders. Where no rust-src can be had, the
//! tests are reported as ignored, with the reason, never as passed.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use imagecuda_kernel_builder::{Error, KernelBuilder, Ptx};
use libtest_mimic::{Arguments, Failed, Trial};

const KERNEL: &str = include_str!("kernel.rs");
const MATHS: &str = include_str!("maths.rs");
const MANIFEST: &str = r#"
[package]
name = "kernel"
version = "0.1.0"
edition = "2024"
[features]
entries = []
unresolved = []
broken = []
[dependencies]
maths = { path = "../maths" }
"#;
const MATHS_MANIFEST: &str = r#"
[package]
name = "maths"
version = "0.1.0"
edition = "2024"
"#;

fn write(file: PathBuf, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// Lays the fixture's workspace into `folder`.
fn lay(folder: &Path, profile: &str) {
    let workspace = "[workspace]\nresolver = \"3\"\nmembers = [\"kernel\", \"maths\"]\n";
    write(folder.join("Cargo.toml"), &format!("{workspace}{profile}"));
    write(folder.join("kernel/Cargo.toml"), MANIFEST);
    write(folder.join("kernel/src/lib.rs"), KERNEL);
    write(folder.join("maths/Cargo.toml"), MATHS_MANIFEST);
    write(folder.join("maths/src/lib.rs"), MATHS);
}

fn builder(folder: &Path) -> KernelBuilder {
    let shared = "../../../shared/rust-src-1.95.0.tar.xz";
    KernelBuilder::new(folder.join("kernel"))
        .target_dir(folder.join("target"))
        .rust_src_archive(Path::new(env!("CARGO_MANIFEST_DIR")).join(shared))
        .print_metadata(false)
}

/// What the first build gave; the tests look at it from all sides.
struct First {
    folder: PathBuf,
    ptx: Ptx,
}

fn loads(first: &First) -> Result<(), Failed> {
    let text = first.ptx.text();
    let mut entries = first.ptx.entries();
    entries.sort_unstable();
    assert_eq!(entries, ["meet", "sort_and_scale"]);
    assert!(text.contains("\n.target sm_52\n"), "{text}");
    assert!(text.contains("\n.version 6.0\n"), "{text}");
    assert!(!text.contains(".extern .func"), "{text}");
    // Else the comparison of two folders would compare nothing that a folder changes.
    assert!(
        text.contains(".func _R"),
        "no mangled name is left:\n{text}"
    );
    let copy = fs::read_to_string(first.folder.join("out/kernel.ptx"))?;
    assert_eq!(copy, text);
    assert!(first.ptx.warnings().is_empty(), "{}", first.ptx.warnings());
    Ok(())
}

/// Threads that part at a branch meet at one barrier, not at one in each.
fn a_barrier_stays_one(first: &First) -> Result<(), Failed> {
    let barriers = first.ptx.text().matches("bar.sync").count();
    assert_eq!(barriers, 1);
    Ok(())
}

fn another_folder_gives_the_same_bytes(first: &First) -> Result<(), Failed> {
    let folder = first.folder.join("../another one/below");
    // Neither this profile nor these flags may count.
    lay(
        &folder,
        "[profile.release]\nopt-level = 1\nlto = false\npanic = \"unwind\"\n",
    );
    let flags = "[build]\nrustflags = [\"--cfg=from_the_configuration\"]\n";
    write(folder.join(".cargo/config.toml"), flags);
    let ptx = builder(&folder).feature("entries").build()?;
    assert!(
        ptx.text() == first.ptx.text(),
        "the two differ:\n{}",
        ptx.text()
    );
    Ok(())
}

fn a_second_build_gives_the_same_again(first: &First) -> Result<(), Failed> {
    let builder = builder(&first.folder).feature("entries");
    let again = builder.build()?;
    assert_eq!(again.text(), first.ptx.text());
    assert_eq!(fs::read_to_string(again.path())?, first.ptx.text());
    Ok(())
}

fn what_would_not_load_is_an_error(first: &First) -> Result<(), Failed> {
    let build = |features: &[&str]| builder(&first.folder).features(features.to_vec()).build();
    match build(&["entries", "unresolved"]) {
        Err(Error::Unresolved { symbols }) => assert_eq!(symbols, ["nobody_wrote_this"]),
        other => return Err(format!("unresolved: {other:?}").into()),
    }
    match build(&["entries", "broken"]) {
        Err(Error::Compile { messages }) => assert!(messages.contains("broken on purpose")),
        other => return Err(format!("broken: {other:?}").into()),
    }
    match build(&[]) {
        Err(Error::NoEntries) => Ok(()),
        other => Err(format!("no entries: {other:?}").into()),
    }
}

fn wrong_options_are_errors() -> Result<(), Failed> {
    let arch = KernelBuilder::new(".").arch("compute_52").build();
    assert!(
        matches!(arch, Err(Error::InvalidOption { option: "arch", .. })),
        "{arch:?}"
    );
    let path = KernelBuilder::new("no/such/folder").build();
    assert!(matches!(path, Err(Error::NoCrate { .. })), "{path:?}");
    Ok(())
}

fn main() {
    let arguments = Arguments::from_args();
    let mut tests = vec![Trial::test(
        "wrong_options_are_errors",
        wrong_options_are_errors,
    )];

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernel builder");
    fs::create_dir_all(&folder).unwrap();
    // Another run of these tests has the same folder, in which most is built already.
    let turn = fs::File::create(folder.join("turn")).unwrap();
    turn.lock().unwrap();
    lay(&folder, "");
    let copy = folder.join("out/kernel.ptx");
    let built = if arguments.list {
        None
    } else {
        match builder(&folder).feature("entries").copy_to(copy).build() {
            Ok(ptx) => Some(Arc::new(First { folder, ptx })),
            Err(error @ Error::NoRustSrc { .. }) => {
                println!("the tests that compile kernels are ignored: {error}");
                None
            }
            Err(error) => {
                eprintln!("{error}");
                std::process::exit(101);
            }
        }
    };
    type Test = fn(&First) -> Result<(), Failed>;
    let real: [(&str, Test); 5] = [
        ("loads", loads),
        ("a_barrier_stays_one", a_barrier_stays_one),
        (
            "another_folder_gives_the_same_bytes",
            another_folder_gives_the_same_bytes,
        ),
        (
            "a_second_build_gives_the_same_again",
            a_second_build_gives_the_same_again,
        ),
        (
            "what_would_not_load_is_an_error",
            what_would_not_load_is_an_error,
        ),
    ];
    for (name, test) in real {
        let first = built.clone();
        let ignored = first.is_none() && !arguments.list;
        let run = move || first.map_or(Err("no rust-src".into()), |first| test(&first));
        let kind = if ignored { "no rust-src" } else { "" };
        tests.push(
            Trial::test(name, run)
                .with_kind(kind)
                .with_ignored_flag(ignored),
        );
    }
    libtest_mimic::run(&arguments, tests).exit();
}
