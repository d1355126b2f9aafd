//! What has to be acquired for a plan, step by step, and how each step is given back.
//!
//! A step names everything it needs, so that it can be printed before it is done, and what it takes
//! to undo it, so that `resources` can write that down before it acts.

use schema::modify::ModifyRequest;
use schema::names::Names;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing to acquire. Steps are acquired in order and given back newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do")]
pub enum Step {
    /// Make the scratch, which is missing. Taken away again only when acquisition fails: a scratch
    /// belongs to whoever named its folder.
    CreateScratch {
        /// The scratch folder.
        scratch: String,
        /// Its layers, nearest parent first.
        layers: Vec<String>,
        /// The most it may hold, in bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<u64>,
    },
    /// Make a folder that a pod's containers share, if it is missing. Kept: it is the pod's.
    CreateFolder {
        /// The folder.
        path: String,
    },
    /// Mount the layers. Given back by unmounting.
    MountLayers {
        /// The scratch folder.
        scratch: String,
        /// Its layers, nearest parent first.
        layers: Vec<String>,
    },
    /// Make a network namespace and connect it. Given back by deleting it.
    CreateNamespace {
        /// Its name; Windows chooses one when this is empty.
        name: String,
        /// Endpoints to put into it: ids on Windows, names of networks on Linux.
        endpoints: Vec<String>,
    },
    /// Take a network namespace that somebody else made, under a name of our own. Given back by
    /// forgetting the name: the namespace and what is attached to it are its maker's.
    AdoptNamespace {
        /// The name.
        name: String,
        /// Where it is.
        path: String,
    },
    /// Tell a network namespace which names there are. Gone with the namespace.
    SetNames {
        /// The namespace.
        namespace: String,
        /// They.
        names: Names,
    },
    /// Make a credential guard instance. Given back by removing it.
    AddCredentials {
        /// The credential spec's JSON.
        credential_spec: String,
        /// `LRPC`, or `HvSocket` into a VM.
        transport: String,
    },
    /// Let a VM open a file of the host. Never taken back.
    GrantVmAccess {
        /// The VM's id.
        vm: String,
        /// The file.
        path: String,
    },
    /// Let all VMs do everything with a file or folder of the host. Never taken back.
    GrantVmGroupAccess {
        /// The file or folder.
        path: String,
    },
    /// Copy a file of the host for a VM. Removed with the VM's folder.
    CopyFile {
        /// The original.
        from: String,
        /// The copy.
        to: String,
    },
    /// Mark a disk of the host.
    SetDiskIdentifier {
        /// The disk.
        path: String,
        /// The mark.
        id: String,
    },
    /// Change a VM: its devices, then its guest. Given back by `undo`.
    ModifyVm(Box<ModifyVm>),
    /// Run a command in a VM; it must end with 0.
    ExecInVm {
        /// The program and its arguments.
        args: Vec<String>,
    },
    /// Ask a VM for the location paths of a device that was assigned to it; they go into the
    /// document's devices.
    LocateDevice {
        /// The command that prints them, separated by commas.
        args: Vec<String>,
    },
    /// Give a VM the adapters of a namespace.
    ConfigureVmNetwork {
        /// The namespace; the one made before when empty.
        namespace: String,
    },
    /// Allow a service through the VM's sockets: what the credential guard instance answers on.
    AllowCredentialService {},
}

/// A change of a VM, in two halves, either of which may be absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModifyVm {
    /// To the host compute service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<ModifyRequest>,
    /// To the guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<Value>,
    /// What gives it back, if it has to be given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Box<ModifyVm>>,
}

impl Step {
    /// A few words for a table.
    pub fn summary(&self) -> (&'static str, String) {
        match self {
            Self::CreateScratch { scratch, size, .. } => {
                let limit = size.map_or_else(String::new, |size| format!(", at most {size} bytes"));
                ("create scratch", format!("{scratch}{limit}"))
            }
            Self::CreateFolder { path } => ("create folder", path.clone()),
            Self::MountLayers { scratch, layers } => {
                let layers = match layers.len() {
                    1 => "1 layer".to_owned(),
                    count => format!("{count} layers"),
                };
                ("mount layers", format!("{scratch} over {layers}"))
            }
            Self::CreateNamespace { name, endpoints } => {
                let name = if name.is_empty() { "(named by the host)" } else { name };
                ("create namespace", format!("{name}, endpoints: {}", endpoints.join(", ")))
            }
            Self::AdoptNamespace { name, path } => ("adopt namespace", format!("{path} as {name}")),
            Self::SetNames { namespace, names } => {
                let (servers, hosts) = (names.servers.len(), names.hosts.len());
                ("set names", format!("of {namespace}: {servers} servers, {hosts} hosts"))
            }
            Self::AddCredentials { transport, .. } => {
                ("add credentials", format!("over {transport}"))
            }
            Self::GrantVmAccess { vm, path } => ("grant access", format!("{vm} to {path}")),
            Self::GrantVmGroupAccess { path } => ("grant access", format!("all VMs to {path}")),
            Self::CopyFile { from, to } => ("copy file", format!("{from} to {to}")),
            Self::SetDiskIdentifier { path, id } => ("mark disk", format!("{path} as {id}")),
            Self::ModifyVm(change) => ("modify VM", change.target()),
            Self::ExecInVm { args } => ("run in VM", args.join(" ")),
            Self::LocateDevice { args } => ("locate device", args.join(" ")),
            Self::ConfigureVmNetwork { namespace } => ("connect VM", namespace.clone()),
            Self::AllowCredentialService {} => ("allow service", "credential guard".into()),
        }
    }

    /// How it is given back, in words.
    pub fn undo_summary(&self) -> &'static str {
        match self {
            Self::CreateScratch { .. } => "removed if acquisition fails, else kept",
            Self::MountLayers { .. } => "unmount",
            Self::CreateNamespace { .. } => "delete the namespace",
            Self::AdoptNamespace { .. } => "forget the name",
            Self::AddCredentials { .. } => "remove the instance",
            Self::ModifyVm(change) if change.undo.is_some() => "remove it from the VM",
            Self::ConfigureVmNetwork { .. } => "take the adapters from the VM",
            Self::CreateFolder { .. }
            | Self::SetNames { .. }
            | Self::GrantVmAccess { .. }
            | Self::GrantVmGroupAccess { .. }
            | Self::CopyFile { .. }
            | Self::SetDiskIdentifier { .. }
            | Self::ModifyVm(_)
            | Self::ExecInVm { .. }
            | Self::LocateDevice { .. }
            | Self::AllowCredentialService {} => "nothing to give back",
        }
    }
}

impl ModifyVm {
    fn target(&self) -> String {
        let host = self.host.as_ref().map(|request| request.resource_path.clone());
        let guest = self.guest.as_ref().and_then(|guest| {
            guest.get("ResourceType").and_then(Value::as_str).map(|kind| format!("guest {kind}"))
        });
        [host, guest].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}
