//! `HNSCall`: a method, a path and a body, as in the web.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Kind, Networks, Refused};
use crate::codes;

impl Networks {
    /// The answer to a call; what is wrong is in it, and no result.
    pub fn call(&mut self, method: &str, path: &str, body: &str) -> Value {
        match self.carry_out(method, path, body) {
            Ok(output) => json!({ "Success": true, "Output": output }),
            Err(Refused(result, _)) => json!({ "Success": false, "Error": codes::text(result) }),
        }
    }

    fn carry_out(&mut self, method: &str, path: &str, body: &str) -> Result<Value, Refused> {
        let mut parts = path.trim_matches('/').split('/');
        let (what, id, verb) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        if what == "globals" {
            return Ok(json!({ "Major": 15, "Minor": 4 }));
        }
        let kind = match what {
            "networks" => Kind::Network,
            "endpoints" => Kind::Endpoint,
            "namespaces" => Kind::Namespace,
            _ => return Err(codes::NETWORK_UNSUPPORTED.into()),
        };
        let Some(id) = id else { return self.all(method, kind) };
        let id = Uuid::parse_str(id).map_err(|_| Refused::from(codes::NOT_FOUND))?;
        // This interface knows one word for whatever is not there.
        self.get(kind, id).map_err(|_| Refused::from(codes::NOT_FOUND))?;
        match (method.to_ascii_uppercase().as_str(), verb) {
            ("GET", None) => Ok(self.shown(kind, id)),
            ("DELETE", None) => self.delete(kind, id).map(|()| json!({})),
            ("POST", Some("addresource")) => self.enter(id, resource(body)?).map(|()| json!({})),
            ("POST", Some("removeresource")) => self.leave(id, resource(body)?).map(|()| json!({})),
            _ => Err(codes::NETWORK_UNSUPPORTED.into()),
        }
    }

    fn all(&mut self, method: &str, kind: Kind) -> Result<Value, Refused> {
        match (method.to_ascii_uppercase().as_str(), kind) {
            ("GET", _) => {
                let ids: Vec<Uuid> = self.ids(kind).collect();
                Ok(ids.into_iter().map(|id| self.shown(kind, id)).collect())
            }
            ("POST", Kind::Namespace) => {
                let id = self.create(kind, Uuid::nil(), "{}", None)?;
                Ok(self.shown(kind, id))
            }
            _ => Err(codes::NETWORK_UNSUPPORTED.into()),
        }
    }

    /// One of them in the older words.
    fn shown(&self, kind: Kind, id: Uuid) -> Value {
        let Some(thing) = self.things.get(&(kind, id)) else { return Value::Null };
        match kind {
            Kind::Namespace => json!({
                "ID": id,
                "IsDefault": false,
                "CompartmentId": thing["NamespaceId"],
                "ResourceList": thing["Resources"].as_array().into_iter().flatten().map(|resource| {
                    json!({ "Type": resource["Type"], "Data": { "Id": resource["Data"]["ID"] } })
                }).collect::<Value>(),
            }),
            Kind::Endpoint => json!({
                "ID": id,
                "Name": thing["Name"],
                "VirtualNetwork": thing["HostComputeNetwork"],
                "MacAddress": thing["MacAddress"],
                "IPAddress": thing["IpConfigurations"][0]["IpAddress"],
            }),
            Kind::Network | Kind::LoadBalancer | Kind::SdnRoute => {
                json!({ "ID": id, "Name": thing["Name"], "Type": thing["Type"] })
            }
        }
    }
}

/// The endpoint in `{"Type":"Endpoint","Data":{"Id":".."}}`.
fn resource(body: &str) -> Result<Uuid, Refused> {
    let body = serde_json::from_str::<Value>(body).unwrap_or_default();
    let id = body["Data"]["Id"].as_str().and_then(|id| Uuid::parse_str(id).ok());
    id.filter(|_| body["Type"] == "Endpoint").ok_or_else(|| codes::NOT_FOUND.into())
}
