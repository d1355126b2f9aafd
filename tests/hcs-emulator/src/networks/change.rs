//! Changes: what goes into a namespace and out of it, and settings of the others.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Kind, Networks, Refused, read};
use crate::codes;
use crate::document;

impl Networks {
    /// Carries a modify request out.
    pub fn modify(&mut self, kind: Kind, id: Uuid, request: &str) -> Result<(), Refused> {
        let change = read(request, &document::NETWORK_MODIFY)?;
        self.get(kind, id)?;
        let (resource, settings) = (change["ResourceType"].as_str(), &change["Settings"]);
        let is_known = match kind {
            Kind::Namespace => return self.modify_namespace(id, &change),
            Kind::Network => ["Policy", "DNS", "Extension", "Subnet", "IPSubnet"].as_slice(),
            Kind::Endpoint => &["Policy", "Port"],
            Kind::LoadBalancer | Kind::SdnRoute => &[],
        };
        let Some(resource) = resource.filter(|resource| is_known.contains(resource)) else {
            return Err(codes::NETWORK_UNSUPPORTED.into());
        };
        if let Some(thing) = self.things.get_mut(&(kind, id))
            && resource == "Policy"
        {
            thing["Policies"] = settings["Policies"].clone();
        }
        Ok(())
    }

    fn modify_namespace(&mut self, id: Uuid, change: &Value) -> Result<(), Refused> {
        let named = read(&change["Settings"].to_string(), &document::NAMESPACE_RESOURCE)?;
        let (resource, request) = (&change["ResourceType"], &change["RequestType"]);
        match (resource.as_str(), request.as_str()) {
            (Some("Endpoint"), Some("Add")) => self.enter(id, endpoint(&named)?),
            (Some("Endpoint"), Some("Remove")) => self.leave(id, endpoint(&named)?),
            (Some("Container"), Some("Add" | "Remove")) => Ok(()),
            _ => Err(codes::NETWORK_UNSUPPORTED.into()),
        }
    }

    pub(super) fn enter(&mut self, namespace: Uuid, endpoint: Uuid) -> Result<(), Refused> {
        let found = self.get(Kind::Endpoint, endpoint)?;
        if !found["HostComputeNamespace"].is_null() {
            return Err(codes::ENDPOINT_ATTACHED.into());
        }
        self.get(Kind::Namespace, namespace)?;
        self.set(Kind::Endpoint, endpoint, "HostComputeNamespace", json!(namespace));
        let resource = json!({ "Type": "Endpoint", "Data": { "ID": endpoint } });
        if let Some(resources) = self.resources(namespace) {
            resources.push(resource);
        }
        Ok(())
    }

    pub(super) fn leave(&mut self, namespace: Uuid, endpoint: Uuid) -> Result<(), Refused> {
        let found = self.get(Kind::Endpoint, endpoint)?;
        if found["HostComputeNamespace"] != json!(namespace) {
            return Err(codes::ENDPOINT_NOT_ATTACHED.into());
        }
        self.leave_namespace(endpoint);
        Ok(())
    }

    /// Takes an endpoint out of the namespace that it is in, if it is in one.
    pub(super) fn leave_namespace(&mut self, endpoint: Uuid) {
        let all: Vec<Uuid> = self.ids(Kind::Namespace).collect();
        for namespace in all {
            if let Some(resources) = self.resources(namespace) {
                resources.retain(|resource| resource["Data"]["ID"] != json!(endpoint));
            }
        }
        self.set(Kind::Endpoint, endpoint, "HostComputeNamespace", Value::Null);
    }

    /// Takes every endpoint out of it.
    pub(super) fn empty_namespace(&mut self, namespace: Uuid) {
        let inside: Vec<Uuid> = self
            .ids(Kind::Endpoint)
            .filter(|id| {
                let endpoint = &self.things[&(Kind::Endpoint, *id)];
                endpoint["HostComputeNamespace"] == json!(namespace)
            })
            .collect();
        for endpoint in inside {
            self.leave_namespace(endpoint);
        }
    }

    pub(super) fn ids(&self, kind: Kind) -> impl Iterator<Item = Uuid> {
        self.things.keys().filter(move |(other, _)| *other == kind).map(|(_, id)| *id)
    }

    fn set(&mut self, kind: Kind, id: Uuid, field: &str, value: Value) {
        if let Some(thing) = self.things.get_mut(&(kind, id)) {
            thing[field] = value;
        }
    }

    fn resources(&mut self, namespace: Uuid) -> Option<&mut Vec<Value>> {
        self.things.get_mut(&(Kind::Namespace, namespace))?["Resources"].as_array_mut()
    }
}

fn endpoint(named: &Value) -> Result<Uuid, Refused> {
    let id = named["EndpointId"].as_str().and_then(|id| Uuid::parse_str(id).ok());
    id.ok_or_else(|| codes::ENDPOINT_NOT_FOUND.into())
}
