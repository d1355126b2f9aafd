//! `layer.json`: what an unpacked layer is. A folder under its chain id is whole when it is there.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::{Error, IoContext, Result};
use crate::size::tree_size;
use crate::store::Store;

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// What the folder is named after.
    pub(crate) chain_id: Digest,
    /// The digest of the uncompressed archive.
    pub(crate) diff_id: Digest,
    /// The chain id of the layer below; none for a base.
    pub(crate) parent: Option<Digest>,
    /// The Windows that the image says it is for.
    pub(crate) os_version: Option<String>,
    /// Bytes of its files.
    pub(crate) size: u64,
    /// What made it what it is.
    #[serde(default)]
    pub(crate) form: Form,
}

/// What layers are like, which depends on the host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// Folders to mount; records that do not say so are of these.
    #[default]
    Folders,
    /// Set up by the host's service.
    Service,
}

impl Form {
    /// What this host runs containers over.
    pub(crate) fn of_host() -> Self {
        engine::layering::service().map_or(Self::Folders, |_| Self::Service)
    }
}

const FILE: &str = "layer.json";

impl Record {
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let bytes = serde_json::to_vec(self).map_err(Error::json("layer record"))?;
        let path = folder.join(FILE);
        fs::write(&path, bytes).at("write", &path)
    }

    /// The same in a folder that has its name already: half a record is never found in it.
    pub(crate) fn write_last(&self, folder: &Path) -> Result<()> {
        let bytes = serde_json::to_vec(self).map_err(Error::json("layer record"))?;
        let (path, first) = (folder.join(FILE), folder.join(".layer.json"));
        fs::write(&first, bytes).at("write", &first)?;
        fs::rename(&first, &path).at("put in place", &path)
    }
}

/// Whether there is a record, which comes last, and does not say that it is another host's.
pub(crate) fn is_whole(folder: &Path) -> bool {
    folder.join(FILE).is_file() && is_of(folder, Form::of_host())
}

fn is_of(folder: &Path, form: Form) -> bool {
    read(folder).map_or(true, |record| record.form == form)
}

/// The record of the layer in `folder`.
pub(crate) fn read(folder: &Path) -> Result<Record> {
    let path = folder.join(FILE);
    let bytes = fs::read(&path).at("read", &path)?;
    serde_json::from_slice(&bytes)
        .map_err(Error::json(format!("layer record `{}`", path.display())))
}

/// The bytes that an unpacked layer takes: those of its files, and of what is kept beside them for
/// its archive and for the registry of its chain.
pub(crate) fn taken(folder: &Path) -> Option<u64> {
    let files = read(folder).ok()?.size;
    let beside = ["hives", "registry"].map(|name| tree_size(&folder.join(name)).bytes);
    let said = fs::metadata(folder.join("meta.jsonl")).map_or(0, |about| about.len());
    Some(files + beside.iter().sum::<u64>() + said)
}

impl Store {
    /// The bytes of a layer's files, if it is unpacked.
    pub(crate) fn unpacked_size(&self, chain_id: &Digest) -> Option<u64> {
        read(&self.layer_folder(chain_id)).ok().map(|record| record.size)
    }

    pub(crate) fn is_unpacked(&self, chain_id: &Digest) -> bool {
        is_whole(&self.layer_folder(chain_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_of_before_there_were_forms_is_one_of_folders() {
        let folder = tempfile::tempdir().unwrap();
        let digest = Digest::of(b"x");
        let text = format!(
            r#"{{"chain_id":"{digest}","diff_id":"{digest}","parent":null,"os_version":null,"size":1}}"#
        );
        fs::write(folder.path().join(FILE), text).unwrap();
        assert!(is_of(folder.path(), Form::Folders));
        assert!(!is_of(folder.path(), Form::Service));
        let mut record = read(folder.path()).unwrap();
        record.form = Form::Service;
        record.write_last(folder.path()).unwrap();
        assert!(is_of(folder.path(), Form::Service) && !is_of(folder.path(), Form::Folders));
    }
}
