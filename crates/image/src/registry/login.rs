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
use super::auth::{self, Unforgotten, erase, helper_of, key_of};
use crate::error::{Error, Result};
use crate::name::ImageName;
use crate::store::Store;

/// What is asked for of a registry whose repositories nobody knows yet. It need not be there.
const REPOSITORY: &str = "transom/login";
const REFUSAL: &str = "the registry refuses this name and password";

/// A configuration file that credentials were put into.
#[derive(Debug)]
pub struct Kept {
    /// Its new text.
    pub text: String,
    /// The credentials are in it, as text that anybody can read who can read the file.
    pub in_file: bool,
}

/// What came of forgetting credentials.
#[derive(Debug)]
pub struct Forgotten {
    /// The configuration file's new text; none when there were no credentials to forget.
    pub text: Option<String>,
    /// Why a helper may still have some.
    pub failed: Option<Error>,
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
        match client.auth(&reference, &auth, RegistryOperation::Pull).await {
            // A token was given for them.
            Ok(Some(_)) => Ok(registry),
            // They are only looked at when something is asked for.
            Ok(None) => match client.list_tags(&reference, &auth, Some(1), None).await {
                Err(error) if !is_answer(&error) => Err(refused(&registry, error)),
                Ok(_) | Err(_) => Ok(registry),
            },
            Err(error) => Err(refused(&registry, error)),
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
                auth::store(helper, &secret.to_string(), registry).await?;
                json!({})
            }
            None => json!({ "auth": STANDARD.encode(format!("{user}:{password}")) }),
        };
        auths(&mut file)?.insert(key.to_owned(), entry);
        Ok(Kept { text: written(&file), in_file: helper.is_none() })
    }

    /// Takes the credentials for `registry` out of docker's configuration, and has its helper forget
    /// them. A helper that fails keeps none in the file; it is an error when none were there, unless
    /// there is no such helper.
    pub async fn forget_login(&self, text: &str, registry: &str) -> Result<Forgotten> {
        let registry = registry_of(registry);
        let mut file = parse(text)?;
        let auths = auths(&mut file)?;
        let before = auths.len();
        auths.retain(|key, _| auth::host(key) != registry && key != key_of(&registry));
        let known = auths.len() < before;
        // A helper may have them although the file names none.
        let erased = match helper_of(text, &registry)? {
            Some(helper) => erase(&helper, key_of(&registry), &registry).await,
            None => Ok(false),
        };
        let (gone, failed) = match erased {
            Ok(erased) => (known || erased, None),
            Err(Unforgotten { started: true, why }) if !known => return Err(why),
            Err(Unforgotten { why, .. }) => (known, Some(why)),
        };
        Ok(Forgotten { text: gone.then(|| written(&file)), failed })
    }
}

/// A registry by whatever address docker takes for it.
fn registry_of(address: &str) -> String {
    match auth::host(address) {
        "" | "index.docker.io" | "registry-1.docker.io" => auth::HUB.to_owned(),
        host => host.to_owned(),
    }
}

/// Why nobody is logged in.
fn refused(registry: &str, error: OciDistributionError) -> Error {
    use OciDistributionError::{AuthenticationFailure, JsonError, ServerError, UnauthorizedError};
    let registry = registry.to_owned();
    let reason = match error {
        UnauthorizedError { .. } | ServerError { code: 401 | 403, .. } => REFUSAL.to_owned(),
        ref error if is_unauthorized(error) => REFUSAL.to_owned(),
        // Which status it had is not told: the server may as well be out of order.
        AuthenticationFailure(text) => {
            format!("its token server gives no token for this name and password: {}", brief(&text))
        }
        ServerError { code, message, .. } => {
            format!("it does not answer as a registry: {code} {}", brief(&message))
        }
        JsonError(error) => format!("it does not answer as a registry: {error}"),
        error => {
            let source = Box::new(error);
            return Error::Registry { op: "log in to", image: registry, source };
        }
    };
    Error::Credentials { registry, reason }
}

/// An error that only a registry gives, and only to whom it knows: there is no such repository, or
/// it is not this user's.
fn is_answer(error: &OciDistributionError) -> bool {
    match error {
        OciDistributionError::RegistryError { envelope, .. } => {
            let early = [OciErrorCode::Unauthorized, OciErrorCode::Toomanyrequests];
            !envelope.errors.iter().any(|error| early.contains(&error.code))
        }
        // Some have codes of their own.
        OciDistributionError::ServerError { code: 404, message, .. } => {
            let said: Value = serde_json::from_str(message).unwrap_or_default();
            said["errors"].as_array().is_some_and(|errors| !errors.is_empty())
        }
        _ => false,
    }
}

fn is_unauthorized(error: &OciDistributionError) -> bool {
    let OciDistributionError::RegistryError { envelope, .. } = error else { return false };
    envelope.errors.iter().any(|error| error.code == OciErrorCode::Unauthorized)
}

/// What a stranger's server said, as far as it fits a line.
fn brief(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(200).collect()
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
        let file: Value = serde_json::from_str(&after.text.unwrap()).unwrap();
        assert_eq!(file, serde_json::from_str::<Value>(before).unwrap());
        assert!(store.forget_login(before, "b.example").await.unwrap().text.is_none());
        assert!(store.forget_login("", "b.example").await.unwrap().text.is_none());
        assert!(store.keep_login("[]", "a.example", "u", "p").await.is_err());
    }

    #[tokio::test]
    async fn a_helper_that_is_not_there_keeps_no_credentials_in_the_file() {
        let (_folder, store) = store().await;
        let before = r#"{"credsStore":"transom-test-missing","auths":{"a.example":{}}}"#;
        for (registry, known) in [("a.example", true), ("b.example", false)] {
            let Forgotten { text, failed } = store.forget_login(before, registry).await.unwrap();
            assert!(failed.unwrap().to_string().contains("does not start"), "{registry}");
            assert_eq!(text.is_some(), known, "{registry}");
            assert!(text.is_none_or(|text| !text.contains(registry)), "{registry}");
        }
    }

    #[test]
    fn only_what_a_registry_says_to_whom_it_knows_is_a_login() {
        use OciDistributionError::{AuthenticationFailure, RegistryError, ServerError};
        let url = String::new;
        let told = |code: &str| {
            let envelope = json!({ "errors": [{ "code": code }] });
            RegistryError { envelope: serde_json::from_value(envelope).unwrap(), url: url() }
        };
        let server = |code, text: &str| {
            let message = text.to_owned();
            ServerError { code, url: url(), message }
        };
        for known in [
            told("NAME_UNKNOWN"),
            told("DENIED"),
            server(404, r#"{"errors":[{"code":"NOT_FOUND"}]}"#),
        ] {
            assert!(is_answer(&known), "{known}");
        }
        for (other, says) in [
            (told("UNAUTHORIZED"), REFUSAL),
            (server(403, "no"), REFUSAL),
            (server(404, "<html>"), "does not answer as a registry: 404 <html>"),
            (server(404, "{}"), "does not answer as a registry: 404"),
            (server(503, "busy\u{1b}[2J"), "does not answer as a registry: 503 busy[2J"),
            (AuthenticationFailure("out of order".into()), "gives no token"),
            (told("TOOMANYREQUESTS"), "failed to log in to"),
        ] {
            assert!(!is_answer(&other), "{other}");
            let text = refused("r.example", other).to_string();
            assert!(text.contains(says), "{text}");
        }
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
