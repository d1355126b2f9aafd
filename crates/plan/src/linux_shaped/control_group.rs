//! The control group that a Linux client wants a container in: what a kubelet bounds, counts and evicts
//! pods by.
//!
//! As runc has it, a path is one below each tree, and what a client for systemd says
//! (`kubepods-besteffort.slice:cri-containerd:ID`) stands for the place that systemd gives such a
//! scope. Nobody asks systemd here: a slice is a folder, as it is for a runc without it.

use serde_json::Value;

use crate::error::{PlanError, Result};

const FIELD: &str = "linux.cgroupsPath";
/// What ends a slice's name.
const SLICE: &str = ".slice";
/// Where a scope is whose slice has no name.
const SYSTEM: &str = "system.slice";

/// The path below each tree; empty when nothing was asked for.
pub(super) fn of_section(linux: &Value) -> Result<String> {
    let asked = linux["cgroupsPath"].as_str().unwrap_or_default();
    if asked.is_empty() {
        return Ok(String::new());
    }
    let refused = |rule: &str| PlanError::field(FIELD, asked, rule);
    let path = match scope(asked) {
        Some((slice, unit)) => {
            let slice = expand(slice).ok_or_else(|| {
                refused("a slice's name is words with one `-` between each two, and `.slice`")
            })?;
            format!("{slice}{unit}")
        }
        None => asked.to_owned(),
    };
    let words: Vec<&str> =
        path.split('/').filter(|word| !word.is_empty() && *word != ".").collect();
    if words.is_empty() {
        return Err(refused("the root of the control groups holds the whole host"));
    }
    if words.contains(&"..") || path.contains(|letter: char| letter.is_control()) {
        return Err(refused("a control group's path has no `..` and no control characters"));
    }
    Ok(words.join("/"))
}

/// A slice, and the unit in it: `SLICE:PREFIX:NAME`.
fn scope(asked: &str) -> Option<(&str, String)> {
    let mut parts = asked.split(':');
    let (slice, prefix, name) = (parts.next()?, parts.next()?, parts.next()?);
    let is_one = parts.next().is_none()
        && !asked.contains('/')
        && !name.is_empty()
        && (slice.is_empty() || slice.ends_with(SLICE));
    let unit = match prefix {
        _ if name.ends_with(SLICE) => name.to_owned(),
        "" => format!("{name}.scope"),
        prefix => format!("{prefix}-{name}.scope"),
    };
    is_one.then_some((if slice.is_empty() { SYSTEM } else { slice }, unit))
}

/// `a-b.slice` is `a.slice/a-b.slice/`, and `-.slice` is the root.
fn expand(slice: &str) -> Option<String> {
    let name = slice.strip_suffix(SLICE)?;
    if name == "-" {
        return Some(String::new());
    }
    let (mut path, mut so_far) = (String::new(), String::new());
    for word in name.split('-') {
        if word.is_empty() {
            return None;
        }
        so_far.push_str(word);
        path.extend([&so_far, SLICE, "/"]);
        so_far.push('-');
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(path: &str) -> Result<String> {
        of_section(&json!({ "cgroupsPath": path }))
    }

    #[test]
    fn a_path_is_one_below_each_tree() {
        assert_eq!(of("/kubepods/besteffort/pod1/c1").unwrap(), "kubepods/besteffort/pod1/c1");
        assert_eq!(of("kubepods//x/./c1/").unwrap(), "kubepods/x/c1");
        assert_eq!(of("").unwrap(), "");
        assert_eq!(of_section(&json!({})).unwrap(), "");
    }

    #[test]
    fn a_scope_is_where_systemd_has_it() {
        for (asked, path) in [
            (
                "kubepods-besteffort-pod1_2.slice:cri-containerd:c1",
                "kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice/\
                 cri-containerd-c1.scope",
            ),
            (":x:c1", "system.slice/x-c1.scope"),
            ("a.slice::c1", "a.slice/c1.scope"),
            ("-.slice:x:c1", "x-c1.scope"),
            // As a runc without systemd takes what is no scope.
            ("/a:b:c", "a:b:c"),
            ("a:b", "a:b"),
        ] {
            assert_eq!(of(asked).unwrap(), path);
        }
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused_with_the_field() {
        for asked in
            ["/", "/a/../../b", "..", "a/..", "a\nb", "a\0", "a--b.slice:x:c", "-a.slice:x:c"]
        {
            let refused = of(asked).unwrap_err().to_string();
            assert!(refused.contains(FIELD), "{asked:?}: {refused}");
        }
        // Not a scope's name, but words of a path all the same.
        assert!(of("a.slice:x:../../b").is_err());
    }
}
