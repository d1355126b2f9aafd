//! Mounts that a Linux snapshotter passes beside a spec: what of them are layers, and where the
//! container's own snapshot is.
//!
//! Nothing is mounted of them. The layers are adopted (`image`), and the engine mounts them in the
//! container's own namespace.

use crate::error::{PlanError, Result};
use crate::request::RootfsMount;

/// A snapshot of a Linux snapshotter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// Folders of unpacked layers, nearest parent first.
    pub layers: Vec<String>,
    /// The folder for what the container writes; none where the snapshot is one folder with
    /// everything in it.
    pub writable: Option<String>,
}

impl Unpacked {
    /// Reads it; nothing when the mounts are those of a Windows snapshotter, or when there are none.
    pub fn of(rootfs: &[RootfsMount]) -> Result<Option<Self>> {
        let [mount] = rootfs else {
            let is_linux = |mount: &RootfsMount| kind(mount).is_some();
            if rootfs.iter().any(is_linux) {
                let rule = "there may be one mount";
                return Err(PlanError::field("rootfs", rootfs.len(), rule));
            }
            return Ok(None);
        };
        match kind(mount) {
            None => Ok(None),
            Some(Kind::Bind) if is_read_only(mount) => Err(read_only(mount)),
            Some(Kind::Bind) => {
                Ok(Some(Self { layers: vec![mount.source.clone()], writable: None }))
            }
            Some(Kind::Overlay) => overlay(mount).map(Some),
            Some(Kind::Other) => {
                let rule = "must be an overlay or a bind mount: use the snapshotter overlayfs";
                Err(PlanError::field("rootfs.0.type", &mount.mount_type, rule))
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Overlay,
    Bind,
    /// A file system of another snapshotter.
    Other,
}

fn kind(mount: &RootfsMount) -> Option<Kind> {
    let is_bind = mount.options.iter().any(|option| option == "bind" || option == "rbind");
    match mount.mount_type.as_str() {
        "overlay" => Some(Kind::Overlay),
        _ if is_bind => Some(Kind::Bind),
        "bind" => Some(Kind::Bind),
        "windows-layer" | "CimFS" | "BlockCIM" | "lcow-layer" | "lcow-partitioned-layer" => None,
        _ => Some(Kind::Other),
    }
}

fn overlay(mount: &RootfsMount) -> Result<Unpacked> {
    let option = |name: &str| mount.options.iter().find_map(|option| option.strip_prefix(name));
    let lowers = option("lowerdir=").unwrap_or_default();
    let layers: Vec<String> =
        lowers.split(':').filter(|lower| !lower.is_empty()).map(str::to_owned).collect();
    if layers.is_empty() || layers.iter().any(|layer| !layer.starts_with('/')) {
        let rule = "needs `lowerdir=` with absolute paths";
        return Err(PlanError::field("rootfs.0.options", mount.options.join(","), rule));
    }
    let Some(upper) = option("upperdir=").filter(|upper| upper.starts_with('/')) else {
        return Err(read_only(mount));
    };
    Ok(Unpacked { layers, writable: Some(upper.to_owned()) })
}

fn is_read_only(mount: &RootfsMount) -> bool {
    mount.options.iter().any(|option| option == "ro")
}

fn read_only(mount: &RootfsMount) -> PlanError {
    let rule = "a Windows container needs a snapshot that it can write to: run without --read-only";
    PlanError::field("rootfs.0.options", mount.options.join(","), rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(kind: &str, source: &str, options: &[&str]) -> RootfsMount {
        RootfsMount {
            mount_type: kind.into(),
            source: source.into(),
            target: String::new(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
        }
    }

    #[test]
    fn an_overlay_has_its_layers_nearest_first_and_a_folder_to_write_to() {
        let options =
            ["index=off", "workdir=/s/3/work", "upperdir=/s/3/fs", "lowerdir=/s/2/fs:/s/1/fs"];
        let found = Unpacked::of(&[mount("overlay", "overlay", &options)]).unwrap().unwrap();
        assert_eq!(found.layers, ["/s/2/fs", "/s/1/fs"]);
        assert_eq!(found.writable.as_deref(), Some("/s/3/fs"));
    }

    #[test]
    fn a_bind_mount_is_one_layer_and_a_windows_snapshot_is_left_alone() {
        let bind = mount("bind", "/s/1", &["rbind", "rw"]);
        let found = Unpacked::of(&[bind]).unwrap().unwrap();
        assert_eq!((found.layers, found.writable), (vec!["/s/1".to_owned()], None));
        let windows = mount("windows-layer", r"C:\s", &["parentLayerPaths=[]"]);
        assert_eq!(Unpacked::of(&[windows]).unwrap(), None);
        assert_eq!(Unpacked::of(&[]).unwrap(), None);
    }

    #[test]
    fn what_cannot_be_written_to_or_is_another_file_system_is_refused() {
        for (bad, word) in [
            (mount("overlay", "overlay", &["lowerdir=/a:/b"]), "--read-only"),
            (mount("bind", "/a", &["rbind", "ro"]), "--read-only"),
            (mount("overlay", "overlay", &["lowerdir=a", "upperdir=/u"]), "absolute"),
            (mount("ext4", "/dev/x", &[]), "overlayfs"),
        ] {
            let error = Unpacked::of(&[bad]).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
