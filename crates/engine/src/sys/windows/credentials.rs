//! Group managed service accounts: the container credential guard, through the service's settings.

use schema::SystemId;
use schema::container::CredentialGuard;
use serde::Deserialize;
use serde_json::{Value, json};

use super::codes::{self, Refusal};
use super::hcs;
use super::operation::{self, Failed};
use crate::credentials::Credentials;
use crate::error::{EngineError, ErrorKind, Op, Result};
use crate::host::HostEngine;

/// Sends one setting of the guard, and gives the answer.
async fn modify(operation: &'static str, details: Value) -> Result<String, Failed> {
    let settings = json!({
        "PropertyType": "ContainerCredentialGuard",
        "Settings": { "Operation": operation, "OperationDetails": details },
    })
    .to_string();
    operation::blocking(move || {
        let (result, document) = hcs::modify_service(&settings)?;
        if codes::failed(result) {
            return Err(Failed::Refused(Refusal::new(
                "HcsModifyServiceSettings",
                result,
                document,
            )));
        }
        Ok(document)
    })
    .await
}

/// The service's answer to a question about the guard.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    properties: Vec<Guards>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Guards {
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Instance {
    id: String,
    credential_guard: CredentialGuard,
}

/// The instance that was made for a system.
async fn instance(system: &SystemId) -> Result<CredentialGuard, ErrorKind> {
    let document = operation::blocking(|| {
        let query = json!({ "PropertyTypes": ["ContainerCredentialGuard"] }).to_string();
        let (result, document) = hcs::service_properties(&query)?;
        if codes::failed(result) {
            return Err(Failed::Refused(Refusal::new("HcsGetServiceProperties", result, document)));
        }
        Ok(document)
    });
    let told = serde_json::from_str::<Told>(&document.await?).map_err(|error| {
        ErrorKind::io("read the credential guard's answer", std::io::Error::other(error))
    })?;
    let mut instances = told.properties.into_iter().flat_map(|guards| guards.instances);
    let found = instances.find(|instance| instance.id == system.as_str());
    found
        .map(|instance| instance.credential_guard)
        .ok_or(ErrorKind::NotFound("credential guard instance"))
}

impl Credentials for HostEngine {
    async fn add(&self, system: &SystemId, credential_spec: &str) -> Result<CredentialGuard> {
        let details = json!({
            "Id": system.as_str(),
            "CredentialSpec": credential_spec,
            "Transport": "LRPC",
        });
        let added = async {
            modify("AddInstance", details).await?;
            instance(system).await
        };
        added.await.map_err(|kind| EngineError::new(Op::Credentials, system, kind))
    }

    async fn remove(&self, system: &SystemId) -> Result<()> {
        let removed = modify("RemoveInstance", json!({ "Id": system.as_str() })).await;
        match removed.map_err(ErrorKind::from) {
            Ok(_) | Err(ErrorKind::NotFound(_)) => Ok(()),
            Err(kind) => Err(EngineError::new(Op::Credentials, system, kind)),
        }
    }
}
