//! What each kernel takes, by Nsight Compute, and the memory it moves.

use std::{collections::BTreeMap, env, process::Command};

/// A kernel, and the least bytes that it has to move.
pub(crate) type Kernel = (&'static str, f64);

/// Has this program run itself with `arguments`, and prints a line for each of the `kernels` that
/// it launches then.
pub(crate) fn print(arguments: &[&str], kernels: &[Kernel]) {
    let Ok(program) = env::current_exe() else {
        return;
    };
    let output = Command::new("ncu")
        .args(["--csv", "--clock-control", "none"])
        .args(["--metrics", "gpu__time_duration.sum"])
        .arg(program)
        .args(arguments)
        .output();
    let Ok(output) = output else {
        println!("  (no ncu, so no phases of the device)");
        return;
    };
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let text = String::from_utf8_lossy(&output.stdout);
    for line in text.lines() {
        let fields: Vec<&str> = line.split("\",\"").collect();
        let is_named = |field: &str, name: &str| {
            let rest = field.strip_prefix(name);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c == '_' || c.is_alphanumeric()))
        };
        let kernel = kernels
            .iter()
            .find(|kernel| fields.iter().any(|field| is_named(field, kernel.0)));
        let time = fields
            .last()
            .and_then(|last| last.trim_matches('"').replace(',', "").parse::<f64>().ok());
        if let (Some(kernel), Some(nanoseconds)) = (kernel, time) {
            times.entry(kernel.0).or_default().push(nanoseconds);
        }
    }
    for &(kernel, moved) in kernels {
        let Some(times) = times.get_mut(kernel) else {
            continue;
        };
        times.sort_by(f64::total_cmp);
        let time = times[times.len() / 2];
        println!(
            "    {kernel:<20} {:8.1} us {:8.1} MB {:8.0} GB/s",
            time / 1e3,
            moved / 1e6,
            moved / time
        );
    }
}
