//! The layers of a container, from the spec or from what containerd passes beside it.

use serde_json::Value;

use crate::error::{PlanError, Result};
use crate::oci::Spec;
use crate::request::RootfsMount;

/// The layers of a Windows container, nearest parent first, and its scratch folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WindowsLayers {
    /// Folders that the Windows container filter lays over each other.
    Folders {
        /// Layer folders.
        layers: Vec<String>,
        /// Scratch folder.
        scratch: String,
    },
    /// Composite images beside layer folders.
    ForkedCims {
        /// Layer folders with their images.
        layers: Vec<(String, String)>,
        /// Scratch folder.
        scratch: String,
    },
    /// Composite images on block devices or in single files.
    BlockCims {
        /// The images.
        layers: Vec<BlockCim>,
        /// The image that all of them were merged into, when there are several.
        merged: Option<BlockCim>,
        /// Scratch folder.
        scratch: String,
    },
}

/// A composite image on a block device or in a single file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockCim {
    /// `device` or `file`.
    pub kind: String,
    /// The device or file.
    pub block_path: String,
    /// The image's name in it.
    pub name: String,
}

/// The layers of a Linux container: disks, nearest parent first, and the scratch disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinuxLayers {
    /// Disks.
    pub layers: Vec<LinuxLayer>,
    /// The scratch disk.
    pub scratch: String,
}

/// A layer of a Linux container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinuxLayer {
    /// The disk.
    pub vhd: String,
    /// The partition of it; 0 is the whole disk.
    pub partition: u64,
}

enum Source<'a> {
    Folders(&'a [String]),
    Mount(&'a RootfsMount),
}

impl WindowsLayers {
    /// Reads them.
    pub fn of(spec: &Spec, rootfs: &[RootfsMount]) -> Result<Self> {
        match source(spec, rootfs)? {
            Source::Folders(folders) => {
                let (scratch, layers) = folders.split_last().expect("two folders at least");
                Ok(Self::Folders { layers: layers.to_vec(), scratch: scratch.clone() })
            }
            Source::Mount(mount) => Self::of_mount(mount),
        }
    }

    fn of_mount(mount: &RootfsMount) -> Result<Self> {
        let scratch = mount.source.clone();
        match mount.mount_type.as_str() {
            "windows-layer" => {
                Ok(Self::Folders { layers: paths(mount, "parentLayerPaths=")?, scratch })
            }
            "CimFS" => {
                let layers = paths(mount, "parentLayerPaths=")?;
                let cims = paths(mount, "parentCimPaths=")?;
                if layers.len() != cims.len() {
                    let rule = "as many parentCimPaths as parentLayerPaths are needed";
                    return Err(PlanError::field("rootfs.0.options", cims.len(), rule));
                }
                Ok(Self::ForkedCims { layers: layers.into_iter().zip(cims).collect(), scratch })
            }
            "BlockCIM" => block_cims(mount),
            other => {
                let rule = "must be windows-layer, CimFS or BlockCIM";
                Err(PlanError::field("rootfs.0.type", other, rule))
            }
        }
    }

    /// The scratch folder.
    pub fn scratch(&self) -> &str {
        match self {
            Self::Folders { scratch, .. }
            | Self::ForkedCims { scratch, .. }
            | Self::BlockCims { scratch, .. } => scratch,
        }
    }
}

fn block_cims(mount: &RootfsMount) -> Result<WindowsLayers> {
    let kind = option(mount, "blockCIMType=").unwrap_or_default();
    if !matches!(kind, "device" | "file") {
        return Err(PlanError::field(
            "rootfs.0.options.blockCIMType",
            kind,
            "must be device or file",
        ));
    }
    let cim = |path: &str| block_cim(kind, path);
    let layers: Vec<_> = paths(mount, "parentCimPaths=")?.iter().map(|path| cim(path)).collect();
    if layers.is_empty() {
        let why = "a container needs at least one layer";
        return Err(PlanError::missing("rootfs.0.options.parentCimPaths", why));
    }
    let merged = option(mount, "mergedCIMPath=").filter(|path| !path.is_empty());
    if layers.len() > 1 && merged.is_none() {
        let why = "several layers need the image that they were merged into";
        return Err(PlanError::missing("rootfs.0.options.mergedCIMPath", why));
    }
    let merged = merged.filter(|_| layers.len() > 1).map(cim);
    Ok(WindowsLayers::BlockCims { layers, merged, scratch: mount.source.clone() })
}

/// Splits a path into the block device or file and the name in it.
fn block_cim(kind: &str, path: &str) -> BlockCim {
    let (block_path, name) = (crate::paths::folder(path), crate::paths::name(path));
    BlockCim { kind: kind.into(), block_path, name }
}

impl LinuxLayers {
    /// Reads them.
    pub fn of(spec: &Spec, rootfs: &[RootfsMount]) -> Result<Self> {
        match source(spec, rootfs)? {
            Source::Folders(folders) => {
                let (scratch, layers) = folders.split_last().expect("two folders at least");
                Ok(Self::of_folders(layers, scratch))
            }
            Source::Mount(mount) => match mount.mount_type.as_str() {
                "lcow-layer" => {
                    Ok(Self::of_folders(&paths(mount, "parentLayerPaths=")?, &mount.source))
                }
                "lcow-partitioned-layer" => Self::of_partitions(mount),
                other => {
                    let rule = "must be lcow-layer or lcow-partitioned-layer";
                    Err(PlanError::field("rootfs.0.type", other, rule))
                }
            },
        }
    }

    fn of_folders(folders: &[String], scratch: &str) -> Self {
        let layer = |folder: &String| LinuxLayer { vhd: join(folder, "layer.vhd"), partition: 0 };
        Self { layers: folders.iter().map(layer).collect(), scratch: join(scratch, "sandbox.vhdx") }
    }

    fn of_partitions(mount: &RootfsMount) -> Result<Self> {
        let mut all = Self::default();
        for option in &mount.options {
            if let Some(scratch) = option.strip_prefix("scratch=") {
                scratch.clone_into(&mut all.scratch);
            } else if let Some(json) = option.strip_prefix("parent-partitioned-layers=") {
                all.layers = partitions(json)?;
            } else {
                let rule = "is not an option of lcow-partitioned-layer";
                return Err(PlanError::field("rootfs.0.options", option, rule));
            }
        }
        Ok(all)
    }
}

fn partitions(json: &str) -> Result<Vec<LinuxLayer>> {
    use crate::oci::shape::{self, Shape, When, ints};
    const PARTITIONS: Shape = Shape::List(&Shape::Object(&[
        ("Path", When::Always, Shape::Text),
        ("Partition", When::Always, ints::U64),
    ]));
    let refuse =
        |why: String| PlanError::field("rootfs.0.options.parent-partitioned-layers", json, why);
    let value: Value = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
    let list = shape::conform(value, &PARTITIONS).map_err(|misfit| refuse(misfit.rule))?;
    let Some(Value::Array(items)) = list else { return Ok(Vec::new()) };
    let layer = |item: &Value| LinuxLayer {
        vhd: item["Path"].as_str().unwrap_or_default().to_owned(),
        partition: item["Partition"].as_u64().unwrap_or_default(),
    };
    Ok(items.iter().map(layer).collect())
}

/// Exactly one of the two ways in which layers are named.
fn source<'a>(spec: &'a Spec, rootfs: &'a [RootfsMount]) -> Result<Source<'a>> {
    const FOLDERS: &str = "windows.layerFolders";
    let folders = spec.windows.as_ref().and_then(|windows| windows.layer_folders.as_deref());
    let folders = folders.unwrap_or_default();
    match (folders, rootfs) {
        ([], []) => Err(PlanError::missing(FOLDERS, "a container has a layer and a scratch")),
        ([_, ..], [_, ..]) => {
            let rule = "layers are named by it or by a rootfs mount, not by both";
            Err(PlanError::field(FOLDERS, folders.join(","), rule))
        }
        ([only], []) => {
            let rule = "needs a layer and the scratch folder at least";
            Err(PlanError::field(FOLDERS, only, rule))
        }
        (_, []) => Ok(Source::Folders(folders)),
        ([], [mount]) if mount.target.is_empty() => Ok(Source::Mount(mount)),
        ([], [mount]) => Err(PlanError::field("rootfs.0.target", &mount.target, "must be empty")),
        ([], mounts) => Err(PlanError::field("rootfs", mounts.len(), "there may be one mount")),
    }
}

/// The first option that begins with `prefix`.
fn option<'a>(mount: &'a RootfsMount, prefix: &str) -> Option<&'a str> {
    mount.options.iter().find_map(|option| option.strip_prefix(prefix))
}

fn paths(mount: &RootfsMount, prefix: &str) -> Result<Vec<String>> {
    let Some(json) = option(mount, prefix) else { return Ok(Vec::new()) };
    let list: Option<Vec<String>> = serde_json::from_str(json).map_err(|error| {
        PlanError::field(format!("rootfs.0.options.{prefix}"), json, error.to_string())
    })?;
    Ok(list.unwrap_or_default())
}

fn join(folder: &str, name: &str) -> String {
    crate::paths::windows_join(&[folder, name])
}
