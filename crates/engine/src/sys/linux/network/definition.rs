//! User-made networks: what was asked for, kept as a CNI configuration list that anybody can edit.
//!
//! A network is a bridge of its own with address translation. What Docker's `network` commands
//! show and CNI has no place for stands under the key `transom` of the list.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::conflist::{self, Conflist, Extra, NAT, NAT_SUBNET};
use super::masquerade::Masquerade;
use super::namespace::{gone, io_error};
use super::subnet::Subnet;
use crate::error::ErrorKind;
use crate::network::Definition;

/// Names that exist on their own.
const PREDEFINED: [&str; 3] = [NAT, "none", "default"];

/// Writes a new network's file. A name that is taken or predefined is refused.
pub(super) fn create(directory: &Path, wanted: &Definition) -> Result<Definition, ErrorKind> {
    conflist::check_name(&wanted.name)?;
    if PREDEFINED.contains(&wanted.name.as_str()) {
        return Err(refused("name", &wanted.name, "nat, none and default exist on their own"));
    }
    if !["", "nat"].contains(&wanted.driver.as_str()) {
        return Err(ErrorKind::Unsupported {
            what: format!("network driver `{}`", wanted.driver),
            why: "this host has the driver `nat`".into(),
        });
    }
    fs::create_dir_all(directory).map_err(|e| io_error("create", directory, e))?;
    // Two creations at once would choose the same subnet.
    let lock = directory.join(".lock");
    let lock = fs::File::create(&lock).map_err(|e| io_error("create", &lock, e))?;
    lock.lock().map_err(|e| io_error("lock", directory, e))?;
    let decided = decide(directory, wanted)?;
    let path = file(directory, &decided.name);
    if path.exists() {
        return Err(ErrorKind::AlreadyExists);
    }
    let text = serde_json::to_vec_pretty(&conflist(&decided)).expect("a network is plain data");
    super::resolver::replace(&path, &text)?;
    Ok(decided)
}

/// The definitions in `directory`, and `nat`, by name.
pub(super) fn list(directory: &Path) -> Result<Vec<Definition>, ErrorKind> {
    let mut found = vec![built_in()];
    let entries = match fs::read_dir(directory) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
        other => other.map_err(|e| io_error("read", directory, e))?,
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".conflist")) else {
            continue;
        };
        let list = conflist::load(&[directory.to_owned()], name)?;
        found.retain(|other| other.name != name);
        found.push(describe(name, &list));
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Removes a network's file, its bridge and its address translation. Refused for predefined ones.
pub(super) fn remove(directory: &Path, name: &str) -> Result<(), ErrorKind> {
    conflist::check_name(name)?;
    if PREDEFINED.contains(&name) {
        return Err(refused("name", name, "a predefined network cannot be removed"));
    }
    let path = file(directory, name);
    if !path.exists() {
        return Err(ErrorKind::NotFound("network"));
    }
    super::link::remove_bridge(&bridge(name))
        .map_err(|e| ErrorKind::io(format!("remove the bridge of `{name}`"), e))?;
    // Of one that nobody can read no rule was made; without iptables there are none.
    let list = conflist::load(&[directory.to_owned()], name).ok();
    match list.as_ref().and_then(Masquerade::of).map(|masquerade| masquerade.remove()) {
        None | Some(Ok(()) | Err(ErrorKind::HostLacks { .. })) => {}
        Some(Err(error)) => return Err(error),
    }
    gone(fs::remove_file(&path)).map_err(|e| io_error("remove", &path, e))
}

fn file(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.conflist"))
}

/// Fills in subnet and gateway and checks both.
fn decide(directory: &Path, wanted: &Definition) -> Result<Definition, ErrorKind> {
    let mut taken = super::subnet::routed().map_err(|e| ErrorKind::io("read the routes", e))?;
    let others = list(directory)?;
    taken.extend(others.iter().filter_map(|other| other.subnet.parse::<Subnet>().ok()));
    let subnet: Subnet = if wanted.subnet.is_empty() {
        super::subnet::free(&taken).ok_or_else(|| ErrorKind::HostLacks {
            what: "no subnet is free for another network".into(),
            mend: "remove networks that are not used, or name a subnet".into(),
        })?
    } else {
        let rule = "an IPv4 subnet such as 10.91.0.0/16, of at least 8 addresses";
        let asked = wanted.subnet.parse().map_err(|()| refused("subnet", &wanted.subnet, rule))?;
        if let Some(other) = taken.iter().find(|other| other.overlaps(asked)) {
            let rule = format!("it overlaps {other}, which is in use");
            return Err(refused("subnet", &wanted.subnet, &rule));
        }
        asked
    };
    let gateway = if wanted.gateway.is_empty() {
        subnet.first()
    } else {
        let address = wanted.gateway.parse().ok().filter(|gateway| subnet.holds(*gateway));
        let rule = format!("an address within {subnet}");
        address.ok_or_else(|| refused("gateway", &wanted.gateway, &rule))?
    };
    Ok(Definition {
        driver: "nat".into(),
        subnet: subnet.to_string(),
        gateway: gateway.to_string(),
        ..wanted.clone()
    })
}

fn refused(field: &str, value: &str, rule: &str) -> ErrorKind {
    ErrorKind::InvalidDocument {
        field: format!("network.{field}"),
        value: value.into(),
        rule: rule.into(),
    }
}

/// An interface's name has at most 15 characters, so a network's name cannot be it.
fn bridge(name: &str) -> String {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("transom-{:07x}", hash >> 36)
}

fn conflist(network: &Definition) -> Conflist {
    let routes = if network.internal { json!([]) } else { json!([{ "dst": "0.0.0.0/0" }]) };
    let plugins = json!([
        {
            "type": "bridge",
            "bridge": bridge(&network.name),
            "isGateway": !network.internal,
            "ipMasq": false,
            "hairpinMode": true,
            "capabilities": { "mac": true },
            "ipam": {
                "type": "host-local",
                "ranges": [[{ "subnet": network.subnet, "gateway": network.gateway }]],
                "routes": routes
            }
        },
        { "type": "portmap", "capabilities": { "portMappings": true } }
    ]);
    let Value::Array(plugins) = plugins else { unreachable!("it is written as a list") };
    Conflist {
        cni_version: "1.0.0".into(),
        name: format!("transom-{}", network.name),
        plugins: plugins.into_iter().filter_map(|plugin| plugin.as_object().cloned()).collect(),
        transom: Some(Extra {
            id: network.id.clone(),
            labels: network.labels.clone(),
            internal: network.internal,
            masquerade: !network.internal,
            created_unix: network.created_unix,
        }),
    }
}

/// What a list says of itself, also one that a user wrote by hand.
fn describe(name: &str, list: &Conflist) -> Definition {
    let extra = list.transom.clone().unwrap_or_default();
    let range = list.plugins.iter().find_map(|plugin| {
        let range = &plugin.get("ipam")?["ranges"][0][0];
        range.is_object().then(|| range.clone())
    });
    let text = |key: &str| {
        range.as_ref().and_then(|range| range[key].as_str()).unwrap_or_default().to_owned()
    };
    Definition {
        name: name.into(),
        id: extra.id,
        driver: "nat".into(),
        subnet: text("subnet"),
        gateway: text("gateway"),
        internal: extra.internal,
        labels: extra.labels,
        created_unix: extra.created_unix,
    }
}

fn built_in() -> Definition {
    let subnet: Subnet = NAT_SUBNET.parse().expect("the built-in subnet is one");
    let gateway: Ipv4Addr = subnet.first();
    Definition {
        name: NAT.into(),
        driver: "nat".into(),
        subnet: subnet.to_string(),
        gateway: gateway.to_string(),
        ..Definition::default()
    }
}
