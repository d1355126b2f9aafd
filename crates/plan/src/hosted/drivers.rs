//! Drivers that are installed in a VM before, and devices that are given to it for, a container.

use super::context::Context;
use crate::annotations::{names, values};
use crate::error::{PlanError, Result};
use crate::paths;
use crate::step::Step;
use crate::vm::devices::{Disk, DiskMount, is_assignable, split_function};

/// The namespace of the names of folders in which a Linux guest keeps what drivers write.
const DRIVER_FOLDERS: uuid::Uuid = uuid::uuid!("914aadc8-f700-4365-8016-ddad0a9d406d");

impl Context<'_> {
    /// Installs the drivers that the container's spec names. Every time: what was installed before
    /// may have been for other devices.
    pub(super) fn drivers(&mut self) -> Result<()> {
        for path in values::texts(self.annotations(), names::KERNEL_DRIVERS) {
            self.lookups.find(&path).map_err(PlanError::lookup(names::KERNEL_DRIVERS))?;
            if self.vm.is_windows() {
                self.windows_driver(&path)?;
            } else {
                self.linux_driver(&path)?;
            }
        }
        Ok(())
    }

    fn windows_driver(&mut self, path: &str) -> Result<()> {
        let options = self.share_options(true);
        self.share(names::KERNEL_DRIVERS, path, options)?;
        let guest = self.devices.shares.guest_path(path, true).unwrap_or_default();
        let files = format!("{guest}/*.inf");
        let tool = r"C:\Windows\System32\pnputil.exe";
        self.exec(&["cmd", "/c", tool, "/add-driver", &files, "/subdirs", "/install"]);
        Ok(())
    }

    fn linux_driver(&mut self, path: &str) -> Result<()> {
        let mount = DiskMount { read_only: true, ..DiskMount::default() };
        let guest = self.disk(names::KERNEL_DRIVERS, Disk::file(path, true), mount, None, true)?;
        let folder = uuid::Uuid::new_v5(&DRIVER_FOLDERS, path.as_bytes());
        self.exec(&["/bin/install-drivers", &format!("/run/drivers/{folder}"), &guest]);
        Ok(())
    }

    /// Gives the devices of a Windows container to its VM. Their locations are told by a tool that
    /// lies beside the shim.
    pub(super) fn windows_devices(&mut self) -> Result<()> {
        let request = self.request;
        let windows = request.spec.windows.as_ref();
        let devices = windows.and_then(|all| all.devices.as_deref()).unwrap_or_default();
        if devices.is_empty() {
            return Ok(());
        }
        let tool = paths::windows_join(&[&self.host.shim_folder, "device-util.exe"]);
        self.lookups.find(&tool).map_err(PlanError::lookup("windows.devices"))?;
        let options = self.share_options(true);
        self.share("windows.devices", &tool, options)?;
        let tool = self.devices.shares.guest_path(&tool, true).unwrap_or_default();
        for (at, device) in devices.iter().enumerate() {
            let guid = self.assign(at, &device.id, &device.id_type)?;
            let parent =
                format!(r"--parentID=VMBUS\{{44c4f61d-4444-4400-9d52-802e27ede19f}}\{{{guid}}}");
            let args = [tool.as_str(), "children", &parent, "--property=location"];
            self.steps.push(Step::LocateDevice { args: args.map(str::to_owned).to_vec() });
        }
        Ok(())
    }

    /// Gives a device to the VM; answers with the GUID that it has there.
    pub(super) fn assign(&mut self, at: usize, id: &str, id_type: &str) -> Result<String> {
        if !is_assignable(id_type) {
            let rule = "only vpci-instance-id, vpci and gpu can be given to a VM";
            return Err(PlanError::field(format!("windows.devices.{at}.idType"), id_type, rule));
        }
        let (id, function) = split_function(id);
        let guid = self.lookups.new_guid();
        let linux = !self.vm.is_windows();
        let (guid, change) = self.devices.pci.add(&id, function, guid, linux, self.host);
        self.modify(change);
        Ok(guid)
    }
}
