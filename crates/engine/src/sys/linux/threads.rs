//! The threads of this process, for whoever looks for a fault.

use std::fmt::Write as _;
use std::path::Path;

/// One line a thread: its name, its state and where in the kernel it sleeps.
pub fn threads() -> String {
    let mut text = String::new();
    let Ok(folder) = std::fs::read_dir("/proc/self/task") else { return text };
    for thread in folder.flatten() {
        let path = thread.path();
        let state = read(&path, "status");
        let state = state.lines().find_map(|line| line.strip_prefix("State:")).unwrap_or("gone");
        let id = thread.file_name();
        let (id, name) = (id.to_string_lossy(), read(&path, "comm"));
        let (state, sleeps) = (state.trim(), read(&path, "wchan"));
        // Not being able to tell is no reason to tell nothing.
        let _ = writeln!(text, "  {id} {}: {state}, in {sleeps}", name.trim());
    }
    text
}

/// Nothing for a thread that has gone meanwhile.
fn read(thread: &Path, name: &str) -> String {
    std::fs::read_to_string(thread.join(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_thread_is_among_them_and_runs() {
        let inside = std::thread::Builder::new().name("looked-for".into()).spawn(threads).unwrap();
        let told = inside.join().unwrap();
        let line = told.lines().find(|line| line.contains("looked-for")).unwrap();
        assert!(line.contains("R (running)"), "{line}");
    }
}
