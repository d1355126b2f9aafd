//! Address translation for what leaves by a network: one rule of the host's for each, from the
//! network's first endpoint on and as long as the network is there.
//!
//! The bridge plugin's own would be a chain and three rules for each container, in some ten runs of
//! `iptables`, one after the other, whenever one starts and whenever one ends.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::conflist::Conflist;
use super::namespace::io_error;
use crate::error::ErrorKind;

/// What leaves a subnet by another interface than its bridge gets that interface's address.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Masquerade {
    subnet: String,
    bridge: String,
}

impl Masquerade {
    /// What a network asks for; nothing where its plugins do it themselves, or nobody is to.
    pub(super) fn of(network: &Conflist) -> Option<Self> {
        network.transom.as_ref().filter(|extra| extra.masquerade)?;
        network.plugins.iter().find_map(|plugin| {
            let bridge = plugin.get("bridge")?.as_str()?;
            let subnet = plugin.get("ipam")?["ranges"][0][0]["subnet"].as_str()?;
            Some(Self { subnet: subnet.to_owned(), bridge: bridge.to_owned() })
        })
    }

    /// Sees to it that it is done. `pins` is where those who do so at once take turns.
    pub(super) fn ensure(&self, pins: &Path) -> Result<(), ErrorKind> {
        if self.rule("-C")? {
            return Ok(());
        }
        let path = pins.join(".masquerade.lock");
        let turn = fs::File::create(&path).map_err(|e| io_error("create", &path, e))?;
        turn.lock().map_err(|e| io_error("lock", &path, e))?;
        if !self.rule("-C")? {
            self.rule("-A")?;
        }
        Ok(())
    }

    /// Takes it away.
    pub(super) fn remove(&self) -> Result<(), ErrorKind> {
        // Whoever changed the rules by hand may have left more than one.
        while self.rule("-C")? && self.rule("-D")? {}
        Ok(())
    }

    /// Does something with the rule; `false` when there is none, as `iptables` says it by ending
    /// with 1.
    fn rule(&self, what: &str) -> Result<bool, ErrorKind> {
        let output = Command::new("iptables")
            .args(["--wait", "-t", "nat", what, "POSTROUTING", "-s", &self.subnet])
            .args(["!", "-o", &self.bridge, "-j", "MASQUERADE"])
            .args(["-m", "comment", "--comment", "a network of transom"])
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .output();
        let output = output.map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => ErrorKind::HostLacks {
                what: "iptables is not installed".into(),
                mend: "install the package iptables".into(),
            },
            _ => failed(e),
        })?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) if what != "-A" => Ok(false),
            _ => Err(failed(io::Error::other(String::from_utf8_lossy(&output.stderr).trim()))),
        }
    }
}

fn failed(error: io::Error) -> ErrorKind {
    ErrorKind::io("set up address translation with iptables", error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sys::network::conflist;

    #[test]
    fn only_networks_of_ours_that_lead_out_are_translated() {
        let nat = conflist::load(&[], "nat").unwrap();
        let found = Masquerade::of(&nat).unwrap();
        assert_eq!((found.subnet.as_str(), found.bridge.as_str()), ("10.90.0.0/16", "transom0"));
        let by_hand: Conflist = serde_json::from_value(json!({
            "cniVersion": "1.0.0", "name": "own", "plugins": nat.plugins
        }))
        .unwrap();
        assert_eq!(Masquerade::of(&by_hand), None);
    }
}
