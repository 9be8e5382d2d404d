//! What fuzzing once found wrong: `fuzz/regressions` has a folder for each target, and a file
//! for each fault, named after it. What the targets check is checked here again.

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "a crate elsewhere")]
mod targets;

use crate::support::data;
use imagecuda::Format;
use libtest_mimic::Trial;
use std::fs;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (target, _) in targets::TARGETS {
        let folder = data("fuzz/regressions").join(target);
        for file in fs::read_dir(folder).into_iter().flatten() {
            let path = file.unwrap().path();
            if !path.is_file() {
                continue;
            }
            let fault = path.file_name().unwrap().to_string_lossy().into_owned();
            let ignored = target == "load_heif" && !Format::Heif.can_load();
            let test = move || {
                targets::run(target, &fs::read(&path)?);
                Ok(())
            };
            trials.push(
                Trial::test(format!("cpu::fuzz::{target}::{fault}"), test)
                    .with_ignored_flag(ignored),
            );
        }
    }
    assert!(!trials.is_empty(), "there are no files");
    trials
}
