//! What a namespace resolves names with: kept beside its pin, read by the silo host.

use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use schema::names::Names;

use super::namespace::io_error;
use crate::error::ErrorKind;
use crate::network::Endpoint;

/// What a network brings: its own servers, or else those of the host that a container can reach, as
/// Docker and the Windows `nat` do.
pub(super) fn of_network(endpoint: &Endpoint) -> Names {
    let mut servers = endpoint.dns_servers.clone();
    if servers.is_empty() {
        servers = host_servers(&fs::read_to_string("/etc/resolv.conf").unwrap_or_default());
    }
    Names { servers, search: endpoint.dns_search.clone(), ..Names::default() }
}

/// Puts what `other` knows behind what `names` does.
fn merge(names: &mut Names, other: &Names) {
    for server in &other.servers {
        if !names.servers.contains(server) {
            names.servers.push(*server);
        }
    }
    for suffix in &other.search {
        if !names.search.contains(suffix) {
            names.search.push(suffix.clone());
        }
    }
    for (name, address) in &other.hosts {
        names.hosts.entry(name.clone()).or_insert(*address);
    }
}

/// The host's name servers but for those on its loopback, which mean something else inside.
fn host_servers(resolv_conf: &str) -> Vec<IpAddr> {
    resolv_conf
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver")?.trim().parse().ok())
        .filter(|server: &IpAddr| !server.is_loopback())
        .collect()
}

/// Where it is kept.
pub(super) fn path(pin: &Path) -> PathBuf {
    let mut name = pin.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

/// Puts the caller's wishes before what is there.
pub(super) fn set(pin: &Path, wanted: &Names) -> Result<(), ErrorKind> {
    let mut new = wanted.clone();
    merge(&mut new, &read(pin)?);
    write(pin, &new)
}

/// Puts a network's servers after what is there; a caller's own servers stand alone.
pub(super) fn extend(pin: &Path, network: &Names) -> Result<(), ErrorKind> {
    let mut new = read(pin)?;
    let mut network = network.clone();
    if !new.servers.is_empty() {
        network.servers.clear();
    }
    merge(&mut new, &network);
    write(pin, &new)
}

/// What a namespace resolves names with; nothing where nobody has said anything.
pub(crate) fn read(pin: &Path) -> Result<Names, ErrorKind> {
    let path = path(pin);
    match fs::read(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Names::default()),
        Err(e) => Err(io_error("read", &path, e)),
        Ok(text) => serde_json::from_slice(&text).map_err(|e| io_error("understand", &path, e)),
    }
}

fn write(pin: &Path, names: &Names) -> Result<(), ErrorKind> {
    let text = serde_json::to_vec(names).expect("names are plain data");
    replace(&path(pin), &text)
}

/// Replaces a file as a whole, so that a reader sees the old or the new one.
pub(super) fn replace(path: &Path, text: &[u8]) -> Result<(), ErrorKind> {
    let directory = path.parent().expect("the file is inside a directory");
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    fs::create_dir_all(directory)
        .and_then(|()| fs::File::create(&new)?.write_all(text))
        .and_then(|()| fs::rename(&new, path))
        .map_err(|e| io_error("write", path, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_server_of_the_host_is_left_out() {
        let text = "# made by hand\nnameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch x\n";
        assert_eq!(host_servers(text), ["192.0.2.1".parse::<IpAddr>().unwrap()]);
    }
}
