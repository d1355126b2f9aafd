//! Where a Windows container's root and layers are, in both documents.

use schema::container::{Layer, Storage};
use schema::document::SchemaVersion;
use schema::v1;

use super::document::{Builder, Documents};
use crate::error::{PlanError, Result};
use crate::oci::{HyperV, Windows};
use crate::schema_version::is_v1;
use crate::{paths, root};

impl Builder<'_> {
    pub(super) fn root(&self, windows: &Windows, all: &mut Documents) -> Result<()> {
        let given = self.spec.root.as_ref();
        if given.is_none() {
            return Err(PlanError::missing("root", "a Windows container has a root"));
        }
        if given.is_some_and(|root| root.readonly) {
            let why = "a Windows container cannot have a read-only root";
            return Err(PlanError::unsupported("root.readonly", why));
        }
        match (is_v1(self.schema), self.vm, windows.hyperv.as_ref()) {
            // HCS makes a VM, or nobody does: there is nothing to mount.
            (true, None, Some(_)) => Ok(()),
            (true, Some(_), Some(hyperv)) => self.v1_vm(hyperv, all),
            // The originals accept 2.5 for a container and then have no case for it.
            (false, _, _) if self.schema != SchemaVersion::V2_1 => Ok(()),
            (true, _, None) | (false, None, _) => self.host_root(all),
            (false, Some(_), _) => {
                all.container.storage.path = self.root.unwrap_or_default().into();
                all.container.storage.layers = self.layers.to_vec();
                Ok(())
            }
        }
    }

    fn host_root(&self, all: &mut Documents) -> Result<()> {
        let Some(mounted) = self.root else { return Ok(()) };
        let path = root::document_path(mounted, self.host.paths)?;
        path.trim_end_matches('\\').clone_into(&mut all.v1.volume_path);
        let layer = |layer: &Layer| v1::Layer { id: layer.id.clone(), path: layer.path.clone() };
        let layers: Vec<_> = self.layers.iter().map(layer).collect();
        all.v1.layers = Some(layers).filter(|layers| !layers.is_empty());
        all.container.storage =
            Storage { path, layers: self.layers.to_vec(), ..all.container.storage.clone() };
        Ok(())
    }

    fn v1_vm(&self, hyperv: &HyperV, all: &mut Documents) -> Result<()> {
        let image_path = if hyperv.utility_vm_path.is_empty() {
            self.find_vm_image()?
        } else {
            hyperv.utility_vm_path.clone()
        };
        all.v1.hv_partition = true;
        all.v1.hv_runtime = Some(v1::HvRuntime { image_path });
        Ok(())
    }

    fn find_vm_image(&self) -> Result<String> {
        let images =
            self.layers.iter().map(|layer| paths::windows_join(&[&layer.path, "UtilityVM"]));
        images.into_iter().find(|image| self.lookups.exists(image)).ok_or_else(|| {
            PlanError::missing("windows.layerFolders", "no layer has a UtilityVM folder")
        })
    }
}
