//! What a container may know by name: the members of its networks.

use std::net::IpAddr;

use anyhow::Result;

use crate::host::Host;
use crate::store::Record;

/// The names of one container's networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) members: Vec<Member>,
    /// Name servers that the networks themselves name.
    pub(super) servers: Vec<IpAddr>,
    /// One of the networks leads out of this host.
    pub(super) reaches_out: bool,
}

/// A container on a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) network: String,
    pub(super) names: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
}

/// Reads the table of the container that has this namespace.
pub(super) async fn read(host: &Host, namespace: &str) -> Result<Table> {
    let definitions = host.networks.definitions().await?;
    let mut table = Table::default();
    for endpoint in host.networks.memberships(namespace).await? {
        let network = &endpoint.network;
        let internal = definitions.iter().any(|one| one.name == *network && one.internal);
        table.reaches_out |= !internal;
        table.servers.extend(&endpoint.dns_servers);
        for (id, endpoint) in host.networks.members(network).await? {
            // A pod of somebody else's has no name here.
            let Ok(found) = host.store.load(&id) else { continue };
            table.members.push(Member {
                network: network.clone(),
                names: names(&found.record, network),
                addresses: endpoint.addresses.iter().map(|(address, _)| *address).collect(),
            });
        }
    }
    Ok(table)
}

/// What a container is called on a network, the best first.
pub fn names(record: &Record, network: &str) -> Vec<String> {
    let aliases = record.networks.get(network).map(|settings| settings.aliases.clone());
    let mut names = vec![record.name.clone()];
    names.extend(aliases.unwrap_or_default());
    names.push(record.short_id().to_owned());
    names.push(record.config.hostname.clone());
    let mut seen = Vec::new();
    names.retain(|name| {
        let new = !name.is_empty() && !seen.contains(name);
        seen.push(name.clone());
        new
    });
    names
}

impl Table {
    /// The addresses of a name, which may have its network behind it; `None` for one that nobody
    /// here has. Several containers may share an alias.
    pub(super) fn addresses(&self, name: &str) -> Option<Vec<IpAddr>> {
        let name = name.trim_end_matches('.');
        let has = |member: &&Member| {
            member.names.iter().any(|own| {
                own.eq_ignore_ascii_case(name)
                    || strip(name, own)
                        .is_some_and(|rest| rest.eq_ignore_ascii_case(&member.network))
            })
        };
        let mut found = self.members.iter().filter(has).peekable();
        found.peek()?;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in found.flat_map(|member| &member.addresses) {
            if !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        Some(addresses)
    }

    /// `name.network` of an address.
    pub(super) fn name_of(&self, address: IpAddr) -> Option<String> {
        let member = self.members.iter().find(|member| member.addresses.contains(&address))?;
        Some(format!("{}.{}", member.names.first()?, member.network))
    }
}

/// What stands behind `own` and a dot.
fn strip<'t>(name: &'t str, own: &str) -> Option<&'t str> {
    let (head, rest) = name.split_at_checked(own.len())?;
    if head.eq_ignore_ascii_case(own) { rest.strip_prefix('.') } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(network: &str, names: &[&str], address: &str) -> Member {
        Member {
            network: network.to_owned(),
            names: names.iter().map(|&name| name.to_owned()).collect(),
            addresses: vec![address.parse().unwrap()],
        }
    }

    #[test]
    fn a_name_is_found_in_any_case_and_with_its_network() {
        let table = Table {
            members: vec![
                member("shop", &["db", "store"], "10.1.0.2"),
                member("nat", &["Store"], "10.2.0.3"),
            ],
            ..Table::default()
        };
        let of = |name| table.addresses(name).map(|all| all.len());
        assert_eq!(of("DB"), Some(1));
        assert_eq!(of("store"), Some(2), "an alias may be shared");
        assert_eq!(of("store.shop."), Some(1));
        assert_eq!((of("db.nat"), of("d"), of("")), (None, None, None));
        assert_eq!(table.name_of("10.1.0.2".parse().unwrap()).unwrap(), "db.shop");
    }
}
