//! Whatever layers lie over each other, in whatever spelling: what an overlay of their folders shows
//! is what Windows would show, and no folder shows two names that Windows takes for one.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::common::{Host, Layer};

/// One entry of a layer: a path in some spelling, and whether it is removed there.
type Change = (Vec<String>, bool);

/// What is visible, by folded path.
type Visible = BTreeMap<String, String>;

fn change() -> impl Strategy<Value = Change> {
    let name = prop_oneof!["[aA]", "[bB]b", "[éÉ]", "windows|Windows|WINDOWS", "users|Users"];
    (prop::collection::vec(name, 1..4), prop::bool::weighted(0.25))
}

fn fold(parts: &[String]) -> String {
    parts.join("/").to_uppercase()
}

/// Whether one path is the other or lies in it.
fn covers(upper: &str, path: &str) -> bool {
    path == upper || path.starts_with(&format!("{upper}/"))
}

/// The changes of one layer that do not contradict each other.
fn consistent(changes: Vec<Change>) -> Vec<Change> {
    let mut kept: Vec<Change> = Vec::new();
    for change in changes {
        let path = fold(&change.0);
        let clashes = kept.iter().any(|(other, _)| {
            let other = fold(other);
            covers(&other, &path) || covers(&path, &other)
        });
        if !clashes {
            kept.push(change);
        }
    }
    kept
}

/// What Windows would show after these layers.
fn expected(layers: &[Vec<Change>]) -> Visible {
    let mut visible = Visible::new();
    for (i, layer) in layers.iter().enumerate() {
        for (parts, removed) in layer {
            let path = fold(parts);
            // A file takes the place of a folder, and a folder that of a file.
            visible.retain(|other, _| !covers(&path, other) && !covers(other, &path));
            if !removed {
                visible.insert(path, format!("{i}"));
            }
        }
    }
    visible
}

/// What overlayfs shows of folders that lie over each other, the nearest first.
fn merged(folders: &[PathBuf], prefix: &str, visible: &mut Visible) {
    let mut names: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for folder in folders {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().unwrap();
            names.entry(name).or_default().push(entry.path());
        }
    }
    let folded: BTreeMap<String, &String> = names.keys().map(|n| (n.to_uppercase(), n)).collect();
    assert_eq!(folded.len(), names.len(), "two spellings in `{prefix}`: {:?}", names.keys());
    for (name, paths) in names {
        let path = format!("{prefix}{}", name.to_uppercase());
        let kind = fs::symlink_metadata(&paths[0]).unwrap().file_type();
        if kind.is_file() {
            visible.insert(path, fs::read_to_string(&paths[0]).unwrap());
        } else if kind.is_dir() {
            merged(&through(&paths), &format!("{path}/"), visible);
        } else {
            assert!(kind.is_char_device(), "{path}");
        }
    }
}

/// The folders of one name that show through: down to the first that hides the others.
fn through(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut shown = Vec::new();
    for path in paths.iter().take_while(|path| path.symlink_metadata().unwrap().is_dir()) {
        shown.push(path.clone());
        if is_opaque(path) {
            break;
        }
    }
    shown
}

fn is_opaque(path: &Path) -> bool {
    let mut value = [0; 4];
    rustix::fs::getxattr(path, "trusted.overlay.opaque", &mut value).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn layers_show_what_windows_would_show(
        layers in prop::collection::vec(prop::collection::vec(change(), 0..8), 1..4),
    ) {
        let layers: Vec<Vec<Change>> = layers.into_iter().map(consistent).collect();
        let archives: Vec<Layer> = layers.iter().enumerate().map(|(i, layer)| {
            layer.iter().fold(Layer::new(), |archive, (parts, removed)| {
                let (last, dir) = parts.split_last().unwrap();
                let mark = if *removed { ".wh." } else { "" };
                let mut path = vec!["Files".to_owned()];
                path.extend_from_slice(dir);
                path.push(format!("{mark}{last}"));
                archive.file(&path.join("/"), i.to_string())
            })
        }).collect();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (host, folders) = runtime.block_on(async {
            let host = Host::new().await;
            let image = host.image(None, &archives).await;
            let folders = host.unpack(&image).await.unwrap();
            (host, folders)
        });
        let mut roots: Vec<PathBuf> = folders.iter().map(|folder| folder.join("fs")).collect();
        roots.push(host.drive.clone());
        let mut visible = Visible::new();
        merged(&roots, "", &mut visible);
        prop_assert_eq!(visible, expected(&layers));
    }
}
