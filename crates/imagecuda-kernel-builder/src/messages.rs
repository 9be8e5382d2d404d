//! What cargo and rustc said, and what cargo shall be told.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The compiler's messages without the warning that every GPU build gets: `ptx60` is a target
/// feature, and those of this target are not stable yet.
pub(crate) fn without_noise(messages: &str) -> String {
    let blocks: Vec<&str> = messages
        .split("\n\n")
        .map(|block| block.trim_start_matches('\n'))
        .filter(|block| !block.contains("unstable feature specified for `-Ctarget-feature`"))
        .collect();
    blocks.join("\n\n")
}

/// The warnings among the messages of a build that succeeded.
pub(crate) fn warnings(messages: &str) -> String {
    without_noise(messages)
        .split("\n\n")
        .map(|block| {
            // Cargo's own progress, and its count of warnings, stand on lines of their own.
            let lines = block.lines().filter(|line| {
                let progress = line.starts_with("   ")
                    && !line.trim_start().starts_with(['|', '=', '-'])
                    && line
                        .trim_start()
                        .starts_with(|c: char| c.is_ascii_uppercase());
                let count = line.starts_with("warning: `") && line.contains(" generated ");
                !progress && !count
            });
            lines.collect::<Vec<_>>().join("\n")
        })
        .filter(|block| block.starts_with("warning"))
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// Tells the outer cargo what the kernels are made of.
pub(crate) fn print_metadata(crate_dir: &Path, workspace: &Path, target_dir: &Path) {
    for file in sources(crate_dir, workspace, target_dir) {
        println!("cargo:rerun-if-changed={}", file.display());
    }
    println!("cargo:rerun-if-env-changed=RUST_SRC_ARCHIVE");
}

/// The files that the kernel crate and the crates beside it were compiled from.
fn sources(crate_dir: &Path, workspace: &Path, target_dir: &Path) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    // Cargo leaves a dependency list in make's format. Other kernel crates built in the same
    // target folder have theirs beside it.
    let folder = target_dir.join("nvptx64-nvidia-cuda/release");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "d")
        {
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            let listed = dependencies(&text);
            if listed.iter().any(|file| file.starts_with(crate_dir)) {
                files.extend(listed);
            }
        }
    }
    if files.is_empty() {
        files.insert(crate_dir.to_owned());
    }
    files.insert(crate_dir.join("Cargo.toml"));
    files.extend(["Cargo.toml", "Cargo.lock"].map(|name| workspace.join(name)));
    files.retain(|file| file.exists());
    files
}

/// The right-hand side of a line `output: file file\ with\ space`.
fn dependencies(text: &str) -> Vec<PathBuf> {
    let Some((_, list)) = text.lines().next().and_then(|line| line.split_once(": ")) else {
        return Vec::new();
    };
    list.replace("\\ ", "\0")
        .split(' ')
        .filter(|file| !file.is_empty())
        .map(|file| PathBuf::from(file.replace('\0', " ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOISE: &str = "warning: unstable feature specified for `-Ctarget-feature`: `ptx60`\n  \
        |\n  = note: this feature is not stably supported; its behavior can change\n\n";

    #[test]
    fn the_noise_goes_and_warnings_stay() {
        let messages = format!(
            "   Compiling k v0.1.0 (/k)\n{NOISE}warning: unused variable: `x`\n --> src/lib.rs:1:1\n  \
             |\n1 | let x = 1;\n  |     ^\n\nwarning: `k` (lib) generated 2 warnings\n    \
             Finished `release` profile [optimized] target(s) in 0.82s\n"
        );
        let warnings = warnings(&messages);
        assert!(
            warnings.starts_with("warning: unused variable"),
            "{warnings}"
        );
        assert!(
            !warnings.contains("ptx60") && !warnings.contains("generated"),
            "{warnings}"
        );
        assert!(!warnings.contains("Finished"), "{warnings}");
    }

    #[test]
    fn a_quiet_build_has_no_warnings() {
        let messages = format!("   Compiling k v0.1.0 (/k)\n{NOISE}    Finished `release`\n");
        assert_eq!(warnings(&messages), "");
    }

    #[test]
    fn dependency_lists_are_read() {
        let text = "/t/k.ptx: /k/src/lib.rs /my\\ k/src/gpu.rs\n";
        assert_eq!(
            dependencies(text),
            [
                PathBuf::from("/k/src/lib.rs"),
                PathBuf::from("/my k/src/gpu.rs")
            ]
        );
        assert!(dependencies("").is_empty());
    }
}
