//! `transom/base`: an image whose Windows is the platform layer.
//!
//! Its one layer holds only what a Windows base layer must have, none of it Microsoft's, and its
//! configuration is that of a small Microsoft base. The same Windows version always gives the same
//! digests: the layer is an uncompressed archive, so that no compressor's version shows in them.

use oci_spec::image::MediaType;

use crate::compose::describe;
use crate::config::{ContainerConfig, History, ImageConfig, RootFs};
use crate::digest::Digest;
use crate::error::{Error, Result, stream};
use crate::image::Image;
use crate::name::{BASE_NAME, ImageName};
use crate::platform::OsVersion;
use crate::store::Store;
use crate::store::images::by_name;

/// When the base was defined. Changes with its content only.
const CREATED: &str = "2026-01-01T00:00:00Z";
const CREATED_UNIX: u64 = 1_767_225_600;
const LICENSE: &str = "This base image is part of Transom and is licensed under the Apache License 2.0.\r\n\
    It holds no part of Microsoft Windows: its C:\\Windows is the platform layer of the host.\r\n";

impl Store {
    /// The base image for this Windows version, made when it is not here.
    pub async fn ensure_base(&self, os_version: &OsVersion) -> Result<Image> {
        let os_version = *os_version;
        self.blocking(move |store| store.ensure_base_sync(os_version)).await
    }

    fn ensure_base_sync(&self, os_version: OsVersion) -> Result<Image> {
        let name = ImageName::parse(BASE_NAME)?;
        let index = self.read_index()?;
        if let Some(digest) = by_name(&index, &name)
            && let Ok(image) = self.image_of(&index, &digest)
            && image.os_version() == Some(os_version)
            && image.blobs().iter().all(|blob| self.has_blob(blob))
        {
            return Ok(image);
        }
        let _adding = self.lock_adding()?;
        let layer = layer()?;
        let diff_id = self.put_blob(&layer)?;
        let config = serde_json::to_vec(&config(os_version, &diff_id))
            .map_err(Error::json("the base image's configuration"))?;
        let layer = describe(MediaType::ImageLayer, &diff_id, layer.len() as u64);
        self.compose(&config, vec![layer], Some(name))
    }
}

/// The folders that HCS looks for in a base, and the licence.
fn layer() -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for folder in [
        "Files",
        "Files/Windows",
        "Files/Windows/System32",
        "Files/Windows/System32/config",
        "Hives",
    ] {
        entry(&mut archive, folder, tar::EntryType::Directory, "16", &[])?;
    }
    entry(&mut archive, "Files/License.txt", tar::EntryType::Regular, "33", LICENSE.as_bytes())?;
    archive.into_inner().map_err(stream("write the base layer"))
}

fn entry(
    archive: &mut tar::Builder<Vec<u8>>,
    name: &str,
    kind: tar::EntryType,
    attributes: &str,
    data: &[u8],
) -> Result<()> {
    let failed = || stream("write the base layer");
    archive
        .append_pax_extensions([("MSWINDOWS.fileattr", attributes.as_bytes())])
        .map_err(failed())?;
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(if kind.is_dir() { 0o755 } else { 0o644 });
    header.set_mtime(CREATED_UNIX);
    header.set_size(data.len() as u64);
    archive.append_data(&mut header, name, data).map_err(failed())
}

fn config(os_version: OsVersion, diff_id: &Digest) -> ImageConfig {
    ImageConfig {
        created: Some(CREATED.to_owned()),
        author: Some("Transom".to_owned()),
        architecture: "amd64".to_owned(),
        os: "windows".to_owned(),
        os_version: Some(os_version.to_string()),
        config: ContainerConfig {
            user: Some("ContainerAdministrator".to_owned()),
            cmd: Some(vec![r"c:\windows\system32\cmd.exe".to_owned()]),
            ..ContainerConfig::default()
        },
        rootfs: RootFs { diff_ids: vec![diff_id.clone()], ..RootFs::default() },
        history: vec![History {
            created: Some(CREATED.to_owned()),
            created_by: Some("transom/base".to_owned()),
            ..History::default()
        }],
        ..ImageConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::store;

    #[test]
    fn the_base_is_the_same_everywhere() {
        let version: OsVersion = "10.0.20348.2700".parse().unwrap();
        let (_one, one) = store();
        let (_two, two) = store();
        let image = one.ensure_base_sync(version).unwrap();
        assert_eq!(image.manifest, two.ensure_base_sync(version).unwrap().manifest);
        assert_eq!(image.names[0].familiar(), "transom/base:latest");
        assert_eq!(one.ensure_base_sync(version).unwrap().added, image.added);
    }

    #[test]
    fn another_windows_gives_another_base_under_the_same_name() {
        let (_dir, store) = store();
        let old = store.ensure_base_sync("10.0.20348.1".parse().unwrap()).unwrap();
        let new = store.ensure_base_sync("10.0.26100.1".parse().unwrap()).unwrap();
        assert_ne!(old.id, new.id);
        assert_eq!(store.resolve_sync("transom/base").unwrap().id, new.id);
        assert!(store.resolve_sync(old.id.short()).unwrap().names.is_empty());
    }
}
