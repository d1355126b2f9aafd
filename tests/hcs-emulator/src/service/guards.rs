//! The container credential guard: instances that are added, listed and removed, and guard nothing.

use serde_json::{Value, json};

use super::calls::{Outcome, done, read, text};
use super::{Service, locked};
use crate::codes;
use crate::document;
use crate::wire::Request;

pub(super) fn modify(service: &Service, request: &Request) -> Outcome {
    let change = read(text(request, 0), &document::SERVICE_SETTINGS)?;
    let details = &change["Settings"]["OperationDetails"];
    let id = details["Id"].as_str().unwrap_or_default().to_owned();
    let mut guards = locked(&service.guards);
    if change["Settings"]["Operation"] == json!("AddInstance") {
        let spec = details["CredentialSpec"].as_str().unwrap_or_default();
        guards.insert(id, spec.to_owned());
    } else if guards.remove(&id).is_none() {
        return Err(codes::NOT_FOUND.into());
    }
    Ok(done())
}

/// What the service tells of them.
pub(super) fn told(service: &Service) -> Value {
    let guards = locked(&service.guards);
    let instances: Vec<Value> = guards.iter().map(|(id, spec)| instance(id, spec)).collect();
    json!({ "Instances": instances })
}

fn instance(id: &str, spec: &str) -> Value {
    let endpoint = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, id.as_bytes());
    json!({
        "Id": id,
        "CredentialGuard": {
            "Cookie": "0001",
            "RpcEndpoint": endpoint.to_string(),
            "Transport": "LRPC",
            "CredentialSpec": spec,
        },
    })
}
