//! Trees of made-up layers, with the kernel's marks on them.

use std::fs;

use engine::os::fs::{XattrFlags, mknodat, setxattr};
use engine::os::unix::fs::symlink;

use super::*;

/// Two layers: `new` over `old`.
fn layers() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (new, old) = (folder.path().join("new"), folder.path().join("old"));
    for layer in [&new, &old] {
        fs::create_dir_all(layer.join("Dir")).unwrap();
    }
    (folder, new, old)
}

fn write(root: &Path, path: &str, text: &str) {
    fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
    fs::write(root.join(path), text).unwrap();
}

fn whiteout(path: &Path) {
    mknodat(CWD, path, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
}

fn mark(dir: &Path, name: &str, value: &str) {
    fs::create_dir_all(dir).unwrap();
    setxattr(dir, format!("trusted.overlay.{name}"), value.as_bytes(), XattrFlags::empty())
        .unwrap();
}

/// All files of the tree with what is in them.
fn files(dir: &Directory) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for name in dir.names().unwrap() {
        match dir.open(&name).unwrap().unwrap() {
            Node::Directory(inner) => {
                let inside = files(&inner).into_iter();
                all.extend(inside.map(|(path, text)| (format!("{name}/{path}"), text)));
            }
            Node::File(file, _) => all.push((name, std::io::read_to_string(file).unwrap())),
            Node::Link(target, _) => all.push((name, format!("-> {}", target.display()))),
        }
    }
    all
}

fn is(dir: &Directory, wanted: &[(&str, &str)]) {
    let wanted: Vec<_> = wanted.iter().map(|(p, t)| (String::from(*p), String::from(*t))).collect();
    assert_eq!(files(dir), wanted);
}

#[test]
fn the_newest_layer_wins_and_case_does_not_matter() {
    let (_folder, new, old) = layers();
    write(&old, "Dir/a.txt", "old");
    write(&new, "Dir/a.txt", "new");
    write(&old, "Dir/only-old", "kept");
    let drive = Directory::of(&[new, old]).unwrap();
    is(&drive, &[("Dir/a.txt", "new"), ("Dir/only-old", "kept")]);
    assert_eq!(drive.spelling("dIR").unwrap().as_deref(), Some("Dir"));
}

#[test]
fn what_is_whited_out_or_below_an_opaque_directory_is_gone() {
    let (_folder, new, old) = layers();
    write(&old, "gone", "x");
    write(&old, "Dir/hidden", "x");
    whiteout(&new.join("gone"));
    mark(&new.join("Dir"), "opaque", "y");
    let drive = Directory::of(&[new, old]).unwrap();
    assert_eq!(drive.names().unwrap().into_iter().collect::<Vec<_>>(), ["Dir"]);
    is(&drive, &[]);
}

#[test]
fn a_renamed_directory_shows_what_is_below_its_former_name() {
    let (_folder, new, old) = layers();
    write(&old, "App/keep", "old");
    write(&old, "App/gone", "old");
    write(&old, "App/sub/deep", "old");
    write(&old, "Near/hidden", "x");
    // `ren App Near`, then `Near\sub` moved to the top, and something written and removed there.
    whiteout(&new.join("App"));
    mark(&new.join("Near"), "redirect", "App");
    whiteout(&new.join("Near/gone"));
    whiteout(&new.join("Near/sub"));
    write(&new, "Near/made", "new");
    mark(&new.join("Dir/far"), "redirect", "/App/sub");
    let drive = Directory::of(&[new.clone(), old.clone()]).unwrap();
    is(&drive, &[("Dir/far/deep", "old"), ("Near/keep", "old"), ("Near/made", "new")]);
    // Of what does not show, what was renamed does.
    let drive = Directory::showing(&[new.clone(), old], |folder| folder == new).unwrap();
    is(&drive, &[("Dir/far/deep", "old"), ("Near/keep", "old"), ("Near/made", "new")]);
}

#[test]
fn what_does_not_show_hides_nothing() {
    let (folder, new, old) = layers();
    let platform = folder.path().join("platform");
    write(&platform, "Dir/both", "platform");
    write(&platform, "Windows/system32/x", "platform");
    write(&old, "Dir/both", "old");
    let folders = [new, platform.clone(), old];
    let drive = Directory::showing(&folders, |folder| folder != platform).unwrap();
    is(&drive, &[("Dir/both", "old")]);
    assert!(drive.open("Windows").unwrap().is_none());
}

#[test]
fn neither_links_nor_notes_lead_out() {
    let (folder, new, old) = layers();
    write(folder.path(), "secret/file", "host");
    symlink(folder.path(), new.join("out")).unwrap();
    for (at, bad) in ["../secret", "/../secret", "..", "a/b", "", "/"].into_iter().enumerate() {
        mark(&new.join(format!("bad{at}")), "redirect", bad);
    }
    let drive = Directory::of(&[new, old]).unwrap();
    assert!(matches!(drive.open("out").unwrap(), Some(Node::Link(..))));
    assert!(drive.descend("out/secret").unwrap().is_none());
    for at in 0..6 {
        drive.open(&format!("bad{at}")).unwrap_err();
    }
}

#[test]
fn names_are_the_same_as_windows_says_and_not_as_unicode_does() {
    let (_folder, new, old) = layers();
    write(&old, "\u{130}/file", "x");
    write(&new, "stra\u{df}e/file", "x");
    let drive = Directory::of(&[new, old]).unwrap();
    for (wanted, is) in [
        ("STRA\u{df}E", Some("stra\u{df}e")),
        ("STRASSE", None),
        ("i\u{307}", None),
        ("\u{130}", Some("\u{130}")),
    ] {
        assert_eq!(drive.spelling(wanted).unwrap().as_deref(), is, "{wanted}");
    }
}

#[test]
fn whoever_walks_too_deep_is_told_so() {
    let (_folder, new, _) = layers();
    let deep = |depth: usize| vec!["d"; depth].join("/");
    write(&new, &format!("{}/file", deep(DEEPEST)), "x");
    fs::create_dir(new.join(deep(DEEPEST + 1))).unwrap();
    let drive = Directory::of(&[new]).unwrap();
    let last = drive.descend(&deep(DEEPEST)).unwrap().unwrap();
    assert!(matches!(last.open("file").unwrap(), Some(Node::File(..))));
    let said = last.open("d").unwrap_err().to_string();
    assert!(said.contains("more than 512 folders deep"), "{said}");
    drive.descend(&deep(DEEPEST + 1)).unwrap_err();
}
