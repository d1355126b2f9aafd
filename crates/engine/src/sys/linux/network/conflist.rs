//! Networks: CNI configuration lists, one file each, and the built-in `nat`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::namespace::io_error;
use crate::error::ErrorKind;

/// The default network, as on a Windows host.
pub(super) const NAT: &str = "nat";
/// Its subnet.
pub(super) const NAT_SUBNET: &str = "10.90.0.0/16";
/// A network definition longer than this is a mistake.
const MAX_FILE: u64 = 1 << 20;

/// A CNI configuration list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Conflist {
    /// Version of the CNI specification that it is written in.
    pub cni_version: String,
    /// The network's name as plugins know it.
    pub name: String,
    /// The plugins' configurations, in the order in which they are added.
    pub plugins: Vec<Map<String, Value>>,
    /// What is Transom's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transom: Option<Extra>,
}

/// What Docker's `network` commands show and CNI has no place for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Extra {
    pub id: String,
    pub labels: BTreeMap<String, String>,
    pub internal: bool,
    /// What leaves is translated here ([`super::masquerade`]), and not by a plugin.
    pub masquerade: bool,
    pub created_unix: u64,
}

/// Loads a network's definition: `<name>.conflist` of the first directory that has one, or the
/// built-in one.
pub(super) fn load(directories: &[PathBuf], name: &str) -> Result<Conflist, ErrorKind> {
    check_name(name)?;
    for directory in directories {
        let path = directory.join(format!("{name}.conflist"));
        match fs::metadata(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(io_error("read", &path, e)),
            Ok(meta) if meta.len() > MAX_FILE => {
                return Err(io_error("read", &path, io::Error::other("it is too large")));
            }
            Ok(_) => {}
        }
        let text = fs::read(&path).map_err(|e| io_error("read", &path, e))?;
        let list: Conflist =
            serde_json::from_slice(&text).map_err(|e| io_error("understand", &path, e))?;
        return check(list);
    }
    if name == NAT {
        return Ok(nat());
    }
    Err(ErrorKind::NotFound("network"))
}

/// A network's name is a file name.
pub(super) fn check_name(name: &str) -> Result<(), ErrorKind> {
    if schema::TaskId::new(name).is_ok() {
        return Ok(());
    }
    Err(ErrorKind::InvalidDocument {
        field: "network".into(),
        value: name.into(),
        rule: "letters, digits, `.`, `_` and `-`, beginning with a letter or a digit".into(),
    })
}

fn check(list: Conflist) -> Result<Conflist, ErrorKind> {
    for plugin in &list.plugins {
        let kind = plugin.get("type").and_then(Value::as_str).unwrap_or_default();
        if schema::TaskId::new(kind).is_err() {
            return Err(ErrorKind::InvalidDocument {
                field: format!("networks.{}.plugins[].type", list.name),
                value: kind.into(),
                rule: "the name of a CNI plugin".into(),
            });
        }
    }
    Ok(list)
}

/// A bridge with address translation and published ports, on every host the same.
fn nat() -> Conflist {
    let plugins = json!([
        {
            "type": "bridge",
            "bridge": "transom0",
            "isGateway": true,
            "ipMasq": false,
            "hairpinMode": true,
            "capabilities": { "mac": true },
            "ipam": {
                "type": "host-local",
                "ranges": [[{ "subnet": NAT_SUBNET }]],
                "routes": [{ "dst": "0.0.0.0/0" }]
            }
        },
        { "type": "portmap", "capabilities": { "portMappings": true } }
    ]);
    serde_json::from_value(json!({
        "cniVersion": "1.0.0", "name": "transom-nat", "plugins": plugins,
        "transom": { "masquerade": true }
    }))
    .expect("the built-in network is well formed")
}
