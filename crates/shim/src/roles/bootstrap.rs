//! How `start` was asked, and with that how it answers.
//!
//! Every containerd takes a bare address, and then speaks version 2 of the Task API. One that sends
//! a bootstrap message takes JSON too, and with version 3 asks for a pod's shim once instead of once
//! for each of its containers.

use std::path::Path;

use containerd_shim_protos::bootstrap_api::BootstrapParams;
use protobuf::Message as _;
use serde_json::json;

use crate::cli::Flags;

/// What a containerd of version 1.7 or later sets in `start`'s environment.
const MODERN: [&str; 2] = ["NAMESPACE", "GRPC_ADDRESS"];

/// What `start` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The address.
    Plain,
    /// The address, the protocol and the version.
    Json,
}

impl Answer {
    /// By what came on stdin. The bytes of another message may parse as a bootstrap message, so it
    /// has to be about the container that the flags name.
    pub(super) fn to(stdin: &[u8], flags: &Flags) -> Self {
        match BootstrapParams::parse_from_bytes(stdin) {
            Ok(asked) if asked.instance_id == flags.id && asked.namespace == flags.namespace => {
                Self::Json
            }
            Ok(_) | Err(_) => Self::Plain,
        }
    }

    pub(super) fn with(self, address: &str) -> String {
        match self {
            Self::Plain => address.to_owned(),
            Self::Json => {
                json!({ "version": 3, "address": address, "protocol": "ttrpc" }).to_string()
            }
        }
    }
}

/// The bundle is a sandbox's, of the Sandbox API: containerd writes no spec for one.
pub(super) fn is_sandbox_without_spec(bundle: &Path) -> bool {
    let modern = MODERN.iter().all(|name| std::env::var_os(name).is_some_and(|at| !at.is_empty()));
    modern && !bundle.join("config.json").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(id: &str) -> Vec<u8> {
        let (instance_id, namespace) = (id.to_owned(), "ns".to_owned());
        let asked = BootstrapParams { instance_id, namespace, ..BootstrapParams::default() };
        asked.write_to_bytes().unwrap()
    }

    /// The rows of the reply.
    #[test]
    fn only_a_bootstrap_message_about_this_container_is_answered_in_json() {
        let flags = Flags { id: "c1".into(), namespace: "ns".into(), ..Flags::default() };
        assert_eq!(Answer::to(b"", &flags), Answer::Plain);
        assert_eq!(Answer::to(b"\xff\xff", &flags), Answer::Plain);
        assert_eq!(Answer::to(&asked("another"), &flags), Answer::Plain);
        assert_eq!(Answer::to(&asked("c1"), &flags), Answer::Json);
        assert_eq!(Answer::Plain.with("unix:///x"), "unix:///x");
        let json = Answer::Json.with("unix:///x");
        assert_eq!(json, r#"{"version":3,"address":"unix:///x","protocol":"ttrpc"}"#);
    }
}
