//! Ctrl-C for programs that tests start.

use std::process::{Child, Command, ExitStatus};

/// Prepares a program that can be interrupted alone.
pub fn interruptible(command: &mut Command) -> &mut Command {
    #[cfg(windows)]
    {
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
        std::os::windows::process::CommandExt::creation_flags(command, CREATE_NEW_PROCESS_GROUP);
    }
    #[cfg(unix)]
    listen(command);
    command
}

/// Lets a program be ended by Ctrl-C, which jobs in the background ignore, with all that they start.
#[cfg(unix)]
#[allow(unsafe_code, reason = "a call of the system's")]
fn listen(command: &mut Command) {
    const SIGINT: i32 = 2;
    const DEFAULT: usize = 0;
    unsafe extern "C" {
        fn signal(number: i32, handler: usize) -> usize;
    }
    let listens = || {
        // SAFETY: the action of a signal that exists becomes the system's.
        unsafe { signal(SIGINT, DEFAULT) };
        Ok(())
    };
    // SAFETY: `signal` may be called between `fork` and `exec`, and allocates nothing.
    unsafe { std::os::unix::process::CommandExt::pre_exec(command, listens) };
}

/// Presses Ctrl-C. Returns whether that can be done here; if not, the program is ended.
pub fn interrupt(child: &mut Child) -> bool {
    let is_sent = send(child);
    if !is_sent {
        eprintln!("no console sends Ctrl-C here: not tested");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    is_sent
}

/// Whether a program that was interrupted says that it failed. Under Wine none does: its handler of
/// Ctrl-C ends programs with 0.
pub fn has_failed(ended: ExitStatus) -> bool {
    let runner = std::env::var("IMAGECUDA_TEST_RUNNER").unwrap_or_default();
    runner.contains("wine") || !ended.success()
}

#[cfg(unix)]
fn send(child: &Child) -> bool {
    let mut kill = Command::new("kill");
    let killed = kill.args(["-INT", &child.id().to_string()]).status();
    assert!(killed.unwrap().success());
    true
}

/// Presses Ctrl-Break, which a program's handler of Ctrl-C has as well. A console is needed for that.
#[cfg(windows)]
#[allow(unsafe_code, reason = "a call of the system's")]
fn send(child: &Child) -> bool {
    const CTRL_BREAK_EVENT: u32 = 1;
    #[link(name = "kernel32")]
    unsafe extern "system" {
        safe fn GenerateConsoleCtrlEvent(event: u32, group: u32) -> i32;
    }
    GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, child.id()) != 0
}
