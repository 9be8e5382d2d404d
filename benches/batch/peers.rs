//! What other libraries make of the same files: `benches/peers/peers.py`, where Python has them.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A measurement of another library.
#[allow(dead_code, reason = "some benches only load")]
pub(crate) struct Peer {
    pub(crate) peer: String,
    pub(crate) op: String,
    pub(crate) images_per_s: f64,
}

/// Every library that Python has, at every operation. Empty without Python.
#[allow(dead_code, reason = "some benches only load")]
pub(crate) fn run(
    python: &str,
    inputs: &Path,
    outputs: &Path,
    extension: &str,
    threads: usize,
) -> Vec<Peer> {
    let ops = ["load", "save", "convert"];
    let measured = ops.map(|op| measure(python, op, inputs, outputs, extension, threads));
    measured.into_iter().flatten().collect()
}

/// Every library that Python has, at loading.
#[allow(dead_code, reason = "some benches do more")]
pub(crate) fn load(
    python: &str,
    inputs: &Path,
    outputs: &Path,
    extension: &str,
    threads: usize,
) -> Vec<Peer> {
    measure(python, "load", inputs, outputs, extension, threads)
}

fn measure(
    python: &str,
    op: &str,
    inputs: &Path,
    outputs: &Path,
    extension: &str,
    threads: usize,
) -> Vec<Peer> {
    // In a bundle the scripts lie beside the program.
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/peers/peers.py");
    let script = env::current_exe()
        .map(|program| program.with_file_name("peers").join("peers.py"))
        .ok()
        .filter(|script| script.is_file())
        .unwrap_or_else(|| PathBuf::from(repository));
    let output = Command::new(python)
        .arg(&script)
        .args(["--op", op, "--json", "--formats", extension])
        .args(["--threads", &threads.to_string()])
        .arg("--dir")
        .arg(inputs)
        .arg("--out")
        .arg(outputs)
        .stderr(Stdio::inherit())
        .output();
    let Ok(output) = output else {
        println!("  there is no {python}: nobody to compare with");
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter_map(parse).collect()
}

/// One object of plain fields a line.
fn parse(line: &str) -> Option<Peer> {
    let field = |name: &str| {
        let after = line.split_once(&format!("\"{name}\":"))?.1.trim_start();
        let value = after.split([',', '}']).next()?;
        Some(value.trim().trim_matches('"').to_owned())
    };
    Some(Peer {
        peer: field("peer")?,
        op: field("op")?,
        images_per_s: field("images_per_s")?.parse().ok()?,
    })
}
