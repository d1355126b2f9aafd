//! The network service's calls, by their names: a verb and what it is about.
//!
//! A handle is of one thing, and stays good when that is gone: then its calls say so.

use std::sync::Arc;

use uuid::Uuid;

use super::calls::{Outcome, Refused, done, text, with};
use super::link::{Link, Object};
use super::{Service, locked};
use crate::codes;
use crate::networks::{self, Kind};
use crate::wire::{self, Request};

impl From<networks::Refused> for Refused {
    fn from(networks::Refused(result, document): networks::Refused) -> Self {
        Self(result, document)
    }
}

/// What a function of this name does; `None` when it is another service's.
pub(super) fn carry_out(service: &Service, link: &Arc<Link>, request: &Request) -> Option<Outcome> {
    let name = request.call.strip_prefix("Hcn").or_else(|| request.call.strip_prefix("HNS"))?;
    if let Some(outcome) = of_service(service, link, request, name) {
        return Some(outcome);
    }
    for verb in ["Enumerate", "Create", "Open", "Modify", "Query", "Delete"] {
        let Some(what) = name.strip_prefix(verb) else { continue };
        let what = what.strip_suffix("Properties").unwrap_or(what);
        let kind = Kind::of(what).or_else(|| Kind::of(what.strip_suffix('s')?))?;
        return Some(act(service, link, request, verb, kind));
    }
    None
}

fn of_service(
    service: &Service,
    link: &Arc<Link>,
    request: &Request,
    name: &str,
) -> Option<Outcome> {
    Some(match name {
        "OpenService" | "RegisterServiceCallback" => {
            link.open(request.new_handle, Object::Watcher);
            locked(&service.watchers).push((Arc::clone(link), request.new_handle));
            Ok(done())
        }
        "Call" => {
            let (method, path, body) = (text(request, 0), text(request, 1), text(request, 2));
            Ok(with(&locked(&service.networks).call(method, path, body)))
        }
        _ => return None,
    })
}

fn act(service: &Service, link: &Arc<Link>, request: &Request, verb: &str, kind: Kind) -> Outcome {
    let mut networks = locked(&service.networks);
    match verb {
        "Enumerate" => return Ok(with(&networks.enumerate(kind, text(request, 0))?)),
        "Create" => {
            let within = match kind {
                Kind::Endpoint => Some(thing(link, request, Kind::Network)?),
                _ => None,
            };
            let id = networks.create(kind, id(request)?, text(request, 1), within)?;
            drop(networks);
            link.open(request.new_handle, Object::Thing(kind, id));
            tell(service, kind, id, true);
        }
        "Open" => {
            let id = id(request)?;
            networks.get(kind, id)?;
            drop(networks);
            link.open(request.new_handle, Object::Thing(kind, id));
        }
        "Modify" => networks.modify(kind, thing(link, request, kind)?, text(request, 0))?,
        "Query" => {
            let thing = networks.query(kind, thing(link, request, kind)?, text(request, 0))?;
            return Ok(with(&thing));
        }
        _ => {
            let id = id(request)?;
            networks.delete(kind, id)?;
            drop(networks);
            tell(service, kind, id, false);
        }
    }
    Ok(done())
}

fn id(request: &Request) -> Result<Uuid, u32> {
    Uuid::parse_str(text(request, 0)).map_err(|_| codes::INVALID_ARGUMENT)
}

fn thing(link: &Link, request: &Request, wanted: Kind) -> Result<Uuid, u32> {
    match link.thing(request.handle) {
        Some((kind, id)) if kind == wanted => Ok(id),
        Some(_) | None => Err(codes::INVALID_HANDLE),
    }
}

/// Tells those who watch of networks and namespaces that come and go.
fn tell(service: &Service, kind: Kind, id: Uuid, is_new: bool) {
    let number = match (kind, is_new) {
        (Kind::Network, true) => wire::NETWORK_CREATED,
        (Kind::Network, false) => wire::NETWORK_DELETED,
        (Kind::Namespace, true) => wire::NAMESPACE_CREATED,
        (Kind::Namespace, false) => wire::NAMESPACE_DELETED,
        (Kind::Endpoint | Kind::LoadBalancer | Kind::SdnRoute, _) => return,
    };
    let data = serde_json::json!({ "ID": id }).to_string();
    for (link, handle) in locked(&service.watchers).iter() {
        link.tell(*handle, number, &data);
    }
}

/// Tells a handle nothing more.
pub(super) fn unwatch(service: &Service, link: &Link, handle: u64) {
    locked(&service.watchers)
        .retain(|(other, number)| !std::ptr::eq(&raw const **other, link) || *number != handle);
}
