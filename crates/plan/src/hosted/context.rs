//! What planning a container in a VM carries along: the VM's devices as they become, and the steps.

use crate::annotations::{names, values};
use crate::error::{PlanError, Result};
use crate::host::{Found, HostFacts, Lookups};
use crate::oci::Annotations;
use crate::process_isolated::new_namespace;
use crate::request::ContainerRequest;
use crate::sandbox::Role;
use crate::step::{ModifyVm, Step};
use crate::vm::HostingVm;
use crate::vm::devices::{Devices, Disk, DiskMount, NoPlace, ShareOptions};

pub(super) struct Context<'a> {
    pub(super) request: &'a ContainerRequest,
    pub(super) vm: &'a HostingVm,
    pub(super) host: &'a HostFacts,
    pub(super) lookups: &'a dyn Lookups,
    pub(super) devices: Devices,
    pub(super) steps: Vec<Step>,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        request: &'a ContainerRequest,
        vm: &'a HostingVm,
        host: &'a HostFacts,
        lookups: &'a dyn Lookups,
    ) -> Self {
        Self { request, vm, host, lookups, devices: vm.devices.clone(), steps: Vec::new() }
    }

    pub(super) fn annotations(&self) -> &'a Annotations {
        static NONE: Annotations = Annotations::new();
        self.request.spec.annotations.as_ref().unwrap_or(&NONE)
    }

    pub(super) fn modify(&mut self, change: impl IntoIterator<Item = ModifyVm>) {
        self.steps.extend(change.into_iter().map(|change| Step::ModifyVm(Box::new(change))));
    }

    pub(super) fn exec(&mut self, args: &[&str]) {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        self.steps.push(Step::ExecInVm { args });
    }

    /// The namespace, and what makes it and gives it to the VM. Workloads of a pod use their
    /// sandbox's, which the VM has already.
    pub(super) fn network(&mut self) -> Result<String> {
        let role = Role::of(self.annotations())?;
        let network = self.request.spec.windows.as_ref().and_then(|all| all.network.as_ref());
        let Some(network) = network else { return Ok(String::new()) };
        if network.network_namespace.is_empty() {
            self.steps.push(new_namespace(self.request, self.host, network));
        }
        let virtual_pod = values::text(self.annotations(), names::VIRTUAL_POD);
        let is_first = virtual_pod == Some(self.request.id.as_str());
        if !matches!(role, Role::Container(_)) || is_first {
            let namespace = network.network_namespace.clone();
            self.steps.push(Step::ConfigureVmNetwork { namespace });
        }
        Ok(network.network_namespace.clone())
    }

    /// Attaches a disk. An extensible disk needs no access rights: a driver opens it.
    pub(super) fn disk(
        &mut self,
        field: &str,
        disk: Disk,
        mount: DiskMount,
        path: Option<&str>,
        grant: bool,
    ) -> Result<String> {
        if grant {
            let (vm, path) = (self.vm.id.clone(), disk.path.clone());
            self.steps.push(Step::GrantVmAccess { vm, path });
        }
        let (guest_path, changes) =
            self.devices.scsi.add(self.vm, disk, mount, path).map_err(|why| {
                let why = match why {
                    NoPlace::Slots => "every place for a disk is in use",
                    NoPlace::Path => "another disk is mounted at the same path",
                    NoPlace::Controller => "a Windows guest has disks on one controller only",
                };
                PlanError::Exhausted { field: field.to_owned(), why: why.into() }
            })?;
        self.modify(changes);
        Ok(guest_path)
    }

    /// Shares a directory or a file with a Windows VM.
    pub(super) fn share(&mut self, field: &str, path: &str, options: ShareOptions) -> Result<()> {
        if !options.read_only && self.vm.no_writable_file_shares {
            return Err(writable_denied(field));
        }
        match self.lookups.find(path).map_err(PlanError::lookup(field))? {
            Found::Directory => {
                let change = self.devices.shares.add_directory(path, options);
                self.modify(change);
            }
            Found::File(_) => {
                let change = self.devices.shares.add_file(path, options);
                self.modify([change]);
            }
        }
        Ok(())
    }

    /// The usual options of a share into this VM.
    pub(super) fn share_options(&self, read_only: bool) -> ShareOptions {
        ShareOptions::new(read_only, self.no_direct_map())
    }

    pub(super) fn no_direct_map(&self) -> bool {
        self.vm.devices_physically_backed || self.vm.vsmb_no_direct_map
    }
}

pub(super) fn writable_denied(field: &str) -> PlanError {
    PlanError::Denied {
        field: field.to_owned(),
        what: format!("`{}` forbids writable shares", names::NO_WRITABLE_SHARES),
    }
}
