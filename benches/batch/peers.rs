//! What other libraries make of the same files: `benches/peers/peers.py`, where Python has them.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A measurement of another library.
pub(crate) struct Peer {
    pub(crate) peer: String,
    pub(crate) op: String,
    pub(crate) images_per_s: f64,
}

/// Every library that Python has, at every operation. Empty without Python.
pub(crate) fn run(
    python: &str,
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
    let mut peers = Vec::new();
    for op in ["load", "save", "convert"] {
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
            return peers;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        peers.extend(text.lines().filter_map(parse));
    }
    peers
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
