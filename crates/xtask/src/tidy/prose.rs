//! A module doc in every Rust file; no path of somebody's machine in any file.

use std::path::Path;

use super::Fault;
use super::sources::Source;

pub(super) fn has_module_doc(file: &Source) -> Option<Fault> {
    let mut head = file.text.lines().skip_while(|line| line.is_empty() || line.starts_with("#!"));
    match head.next() {
        Some(line) if line.starts_with("//! ") => None,
        _ => {
            Some(Fault::new(&file.path, 1, "no module doc: say what it is and what it leaves out"))
        }
    }
}

/// Paths that are right on the machine of whoever wrote them and nowhere else.
pub(super) fn names_no_machine(file: &Source, root: &Path) -> Vec<Fault> {
    let root = root.to_string_lossy();
    // Pieced together, or this file would be the first fault.
    let users = concat!("/home", "/");
    let checkout = (root.len() > "/usr/src".len()).then_some(&*root);
    let mut faults = Vec::new();
    for (line, text) in (1..).zip(file.text.lines()) {
        let named = checkout.into_iter().chain([users]).find(|path| text.contains(*path));
        if let Some(path) = named {
            faults.push(Fault::new(&file.path, line, format!("`{path}` is a path of one machine")));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_begins_with_its_module_doc_or_with_attributes_before_it() {
        assert_eq!(has_module_doc(&Source::of("a.rs", "//! What it is.\nmod b;\n")), None);
        let attribute = "#![expect(dead_code, reason = \"x\")]\n\n//! What it is.\n";
        assert_eq!(has_module_doc(&Source::of("a.rs", attribute)), None);
        assert!(has_module_doc(&Source::of("a.rs", "// A comment.\nmod b;\n")).is_some());
        assert!(has_module_doc(&Source::of("a.rs", "")).is_some());
    }

    #[test]
    fn a_path_below_the_checkout_is_a_fault() {
        let root = Path::new("/srv/checkouts/transom");
        let text = "a\n/srv/checkouts/transom/target\n/srv/data\n";
        let faults = names_no_machine(&Source::of("a.md", text), root);
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2]);
    }
}
