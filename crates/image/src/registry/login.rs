//! Logging in and out: whether a registry takes a name and a password, and where docker keeps them.
//!
//! The configuration file is text in, text out, so that everything else in it stays; whoever calls
//! reads and writes it. How what is kept is found again stands in [`super::auth`].

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_client::RegistryOperation;
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use serde_json::{Map, Value, json};

use super::Connection;
use super::auth::{self, helper_of, key_of, tell};
use crate::error::{Error, Result};
use crate::name::ImageName;
use crate::store::Store;

/// What is asked for of a registry whose repositories nobody knows yet. It need not be there.
const REPOSITORY: &str = "transom/login";

/// A configuration file that credentials were put into.
#[derive(Debug)]
pub struct Kept {
    /// Its new text.
    pub text: String,
    /// The credentials are in it, as text that anybody can read who can read the file.
    pub in_file: bool,
}

impl Store {
    /// Where docker's configuration is: what credentials are found in.
    pub fn login_file(&self) -> Option<PathBuf> {
        auth::config_path(self.settings().docker_config.as_deref())
    }

    /// Asks `registry` whether it takes these credentials. Gives the registry's own name.
    pub async fn login(&self, registry: &str, user: &str, password: &str) -> Result<String> {
        let registry = registry_of(registry);
        let name = ImageName::parse(&format!("{registry}/{REPOSITORY}"))?;
        if name.registry() != registry {
            let rule = "a registry is a host name with a dot or a port, or localhost".to_owned();
            return Err(Error::InvalidName { name: registry, rule });
        }
        let auth = RegistryAuth::Basic(user.to_owned(), password.to_owned());
        let Connection { client, auth } = Connection::with(&name, self.settings(), auth).await?;
        let reference = name.reference();
        let refused = |source: OciDistributionError| match source {
            source if is_refusal(&source) => Error::Credentials {
                registry: registry.clone(),
                reason: "the registry refuses this name and password".to_owned(),
            },
            source => {
                let source = Box::new(source);
                Error::Registry { op: "log in to", image: registry.clone(), source }
            }
        };
        match client.auth(&reference, &auth, RegistryOperation::Pull).await {
            // A token was given for them.
            Ok(Some(_)) => Ok(registry),
            // They are only looked at when something is asked for.
            Ok(None) => match client.list_tags(&reference, &auth, Some(1), None).await {
                Err(error)
                    if is_refusal(&error)
                        || matches!(error, OciDistributionError::RequestError(_)) =>
                {
                    Err(refused(error))
                }
                Ok(_) | Err(_) => Ok(registry),
            },
            Err(error) => Err(refused(error)),
        }
    }

    /// Puts credentials for `registry` into docker's configuration, or has its helper keep them.
    pub async fn keep_login(
        &self,
        text: &str,
        registry: &str,
        user: &str,
        password: &str,
    ) -> Result<Kept> {
        let mut file = parse(text)?;
        let key = key_of(registry);
        let helper = helper_of(text, registry)?;
        let entry = match &helper {
            Some(helper) => {
                let secret = json!({ "ServerURL": key, "Username": user, "Secret": password });
                tell(helper, "store", &secret.to_string(), registry).await?;
                json!({})
            }
            None => json!({ "auth": STANDARD.encode(format!("{user}:{password}")) }),
        };
        auths(&mut file)?.insert(key.to_owned(), entry);
        Ok(Kept { text: written(&file), in_file: helper.is_none() })
    }

    /// Takes the credentials for `registry` out of docker's configuration; nothing when there are
    /// none.
    pub async fn forget_login(&self, text: &str, registry: &str) -> Result<Option<String>> {
        let registry = registry_of(registry);
        let mut file = parse(text)?;
        let auths = auths(&mut file)?;
        let before = auths.len();
        auths.retain(|key, _| auth::host(key) != registry && key != key_of(&registry));
        if auths.len() == before {
            return Ok(None);
        }
        if let Some(helper) = helper_of(text, &registry)? {
            tell(&helper, "erase", key_of(&registry), &registry).await?;
        }
        Ok(Some(written(&file)))
    }
}

/// A registry by whatever address docker takes for it.
fn registry_of(address: &str) -> String {
    match auth::host(address) {
        "" | "index.docker.io" | "registry-1.docker.io" => auth::HUB.to_owned(),
        host => host.to_owned(),
    }
}

fn is_refusal(error: &OciDistributionError) -> bool {
    match error {
        OciDistributionError::AuthenticationFailure(_)
        | OciDistributionError::UnauthorizedError { .. } => true,
        OciDistributionError::ServerError { code, .. } => matches!(code, 401 | 403),
        OciDistributionError::RegistryError { envelope, .. } => {
            envelope.errors.iter().any(|error| error.code == OciErrorCode::Unauthorized)
        }
        _ => false,
    }
}

fn parse(text: &str) -> Result<Map<String, Value>> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text).map_err(Error::json("docker configuration".to_owned()))
}

fn auths(file: &mut Map<String, Value>) -> Result<&mut Map<String, Value>> {
    let auths = file.entry("auths").or_insert_with(|| json!({}));
    let wrong = || Error::invalid("docker configuration", "`auths` is no object");
    auths.as_object_mut().ok_or_else(wrong)
}

/// With tabs, as docker writes it.
fn written(file: &Map<String, Value>) -> String {
    use serde::Serialize;
    use serde_json::ser::{PrettyFormatter, Serializer};
    let mut text = Vec::new();
    let tabs = PrettyFormatter::with_indent(b"\t");
    let done = file.serialize(&mut Serializer::with_formatter(&mut text, tabs));
    done.expect("JSON that was read can be written");
    String::from_utf8(text).expect("JSON is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn credentials_are_kept_beside_what_is_there_and_forgotten_by_any_address() {
        let (_folder, store) = store().await;
        let before = r#"{"psFormat":"x","auths":{"a.example":{"auth":"eDp5"}}}"#;
        let kept = store.keep_login(before, "docker.io", "u", "p:w").await.unwrap();
        assert!(kept.in_file);
        let file: Value = serde_json::from_str(&kept.text).unwrap();
        assert_eq!(file["psFormat"], "x");
        assert_eq!(file["auths"]["https://index.docker.io/v1/"]["auth"], "dTpwOnc=");
        let after = store.forget_login(&kept.text, "https://index.docker.io/v1/").await.unwrap();
        let file: Value = serde_json::from_str(&after.unwrap()).unwrap();
        assert_eq!(file, serde_json::from_str::<Value>(before).unwrap());
        assert!(store.forget_login(before, "b.example").await.unwrap().is_none());
        assert!(store.forget_login("", "b.example").await.unwrap().is_none());
        assert!(store.keep_login("[]", "a.example", "u", "p").await.is_err());
    }

    #[tokio::test]
    async fn what_is_no_registry_is_refused_before_anybody_is_asked() {
        let (_folder, store) = store().await;
        for address in ["me", "Bad Host:5000", "a/../b"] {
            assert!(store.login(address, "u", "p").await.is_err(), "{address}");
        }
        assert_eq!(registry_of("https://r.example:5000/v2/"), "r.example:5000");
    }
}
