//! Credentials from docker's configuration file: written into it, or kept by a helper program.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::error::{Error, IoContext, Result};

pub(super) const HUB: &str = "docker.io";
/// The key under which docker keeps what belongs to its own registry.
const HUB_KEY: &str = "https://index.docker.io/v1/";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    auths: BTreeMap<String, Entry>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

/// What a helper program answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Secret {
    username: String,
    secret: String,
}

/// As whom `registry` is spoken to; anonymously when nothing is known.
pub(crate) async fn find(registry: &str, folder: Option<&Path>) -> Result<RegistryAuth> {
    let Some(path) = config_path(folder) else { return Ok(RegistryAuth::Anonymous) };
    let file = match tokio::fs::read(&path).await {
        Ok(bytes) => serde_json::from_slice::<File>(&bytes)
            .map_err(Error::json(format!("docker configuration `{}`", path.display())))?,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(RegistryAuth::Anonymous),
        Err(e) => return Err(e).at("read", &path),
    };
    file.find(registry).await
}

/// Where the file is; nothing when nobody says where a user's files are.
pub(super) fn config_path(folder: Option<&Path>) -> Option<PathBuf> {
    let named = || std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    // Windows has the second.
    let home = || std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"));
    let home = || home().map(|home| Path::new(&home).join(".docker"));
    let folder = folder.map(Path::to_owned).or_else(named).or_else(home)?;
    Some(folder.join("config.json"))
}

impl File {
    /// The program that keeps the credentials for a registry.
    fn helper(&self, registry: &str) -> Option<String> {
        let helpers = &self.cred_helpers;
        let helper = helpers.get(key_of(registry)).or_else(|| helpers.get(registry));
        let helper = helper.or(self.creds_store.as_ref()).filter(|name| !name.is_empty());
        helper.map(|name| format!("docker-credential-{name}"))
    }

    async fn find(&self, registry: &str) -> Result<RegistryAuth> {
        let key = key_of(registry);
        if let Some(helper) = self.helper(registry) {
            return ask(&helper, key, registry).await;
        }
        let entry = self.auths.get(key).or_else(|| {
            self.auths.iter().find(|(name, _)| host(name) == registry).map(|(_, entry)| entry)
        });
        entry.map_or(Ok(RegistryAuth::Anonymous), |entry| entry.auth(registry))
    }
}

/// Under which key a registry's credentials are kept.
pub(super) fn key_of(registry: &str) -> &str {
    if registry == HUB { HUB_KEY } else { registry }
}

/// The program that keeps the credentials for a registry, by a configuration's text.
pub(super) fn helper_of(text: &str, registry: &str) -> Result<Option<String>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let file = serde_json::from_str::<File>(text);
    Ok(file.map_err(Error::json("docker configuration".to_owned()))?.helper(registry))
}

/// Old entries are addresses (`https://host/v1/`).
pub(super) fn host(key: &str) -> &str {
    let bare = key.trim_start_matches("https://").trim_start_matches("http://");
    bare.split('/').next().unwrap_or(bare)
}

impl Entry {
    fn auth(&self, registry: &str) -> Result<RegistryAuth> {
        let some = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        if some(&self.identitytoken).is_some() {
            return Err(identity_token(registry));
        }
        if let Some(token) = some(&self.registrytoken) {
            return Ok(RegistryAuth::Bearer(token));
        }
        if let Some(auth) = some(&self.auth) {
            return basic(&auth).ok_or_else(|| Error::Credentials {
                registry: registry.to_owned(),
                reason: "its `auth` in docker's configuration is not base64 of `user:password`"
                    .to_owned(),
            });
        }
        Ok(match (some(&self.username), some(&self.password)) {
            (Some(user), Some(password)) => RegistryAuth::Basic(user, password),
            _ => RegistryAuth::Anonymous,
        })
    }
}

fn basic(auth: &str) -> Option<RegistryAuth> {
    let text = String::from_utf8(STANDARD.decode(auth).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some(RegistryAuth::Basic(user.to_owned(), password.trim_end_matches('\0').to_owned()))
}

fn identity_token(registry: &str) -> Error {
    Error::Credentials {
        registry: registry.to_owned(),
        reason:
            "docker's configuration holds an identity token, which cannot be used here; log in \
                 with a user name and a password or access token"
                .to_owned(),
    }
}

/// Asks a helper program as docker does: `docker-credential-<name> get`, the address on stdin.
async fn ask(program: &str, key: &str, registry: &str) -> Result<RegistryAuth> {
    let failed = |reason: String| Error::Credentials { registry: registry.to_owned(), reason };
    let output = run(program, "get", key, registry).await?;
    if is_unknown(&output) {
        return Ok(RegistryAuth::Anonymous);
    }
    if !output.status.success() {
        return Err(failed(format!("`{program}` failed: {}", said(&output).trim())));
    }
    let secret: Secret = serde_json::from_slice(&output.stdout).map_err(|_| {
        failed(format!("`{program}` answered with something else than credentials"))
    })?;
    if secret.username == "<token>" {
        return Err(identity_token(registry));
    }
    Ok(RegistryAuth::Basic(secret.username, secret.secret))
}

/// Has a helper program keep something.
pub(super) async fn store(program: &str, secret: &str, registry: &str) -> Result<()> {
    done(program, "store", registry, &run(program, "store", secret, registry).await?)
}

/// Why a helper program did not forget something.
#[derive(Debug)]
pub(super) struct Unforgotten {
    /// It started: it may have it still.
    pub(super) started: bool,
    pub(super) why: Error,
}

/// Has a helper program forget something; false when it knew nothing of it.
pub(super) async fn erase(
    program: &str,
    key: &str,
    registry: &str,
) -> std::result::Result<bool, Unforgotten> {
    let fails = |started| move |why| Unforgotten { started, why };
    let child = start(program, "erase", registry).map_err(fails(false))?;
    let output = answer(child, program, key, registry).await.map_err(fails(true))?;
    if is_unknown(&output) {
        return Ok(false);
    }
    done(program, "erase", registry, &output).map(|()| true).map_err(fails(true))
}

fn done(program: &str, verb: &str, registry: &str, output: &Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let reason = format!("`{program} {verb}` failed: {}", said(output).trim());
    Err(Error::Credentials { registry: registry.to_owned(), reason })
}

/// How every helper says that it has no such credentials.
fn is_unknown(output: &Output) -> bool {
    !output.status.success() && said(output).contains("credentials not found")
}

async fn run(program: &str, verb: &str, input: &str, registry: &str) -> Result<Output> {
    answer(start(program, verb, registry)?, program, input, registry).await
}

fn start(program: &str, verb: &str, registry: &str) -> Result<Child> {
    let failed = |reason: String| Error::Credentials { registry: registry.to_owned(), reason };
    Command::new(program)
        .arg(verb)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| failed(format!("`{program}` does not start: {e}")))
}

async fn answer(mut child: Child, program: &str, input: &str, registry: &str) -> Result<Output> {
    let failed = |reason: String| Error::Credentials { registry: registry.to_owned(), reason };
    let mut stdin = child.stdin.take().expect("stdin was asked for as a pipe");
    // A helper that answers without reading the address is no failure.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    child.wait_with_output().await.map_err(|e| failed(format!("`{program}`: {e}")))
}

fn said(output: &Output) -> String {
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{stdout}{stderr}")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn found(file: &str, registry: &str) -> Result<RegistryAuth> {
        serde_json::from_str::<File>(file).unwrap().find(registry).await
    }

    fn user(name: &str, password: &str) -> RegistryAuth {
        RegistryAuth::Basic(name.to_owned(), password.to_owned())
    }

    #[tokio::test]
    async fn credentials_in_the_file_are_found_under_all_of_dockers_spellings() {
        let file = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"},"https://old.example/v2/":{"auth":"YTpiOmM="},"r.example:5000":{"username":"x","password":"y"}}}"#;
        assert_eq!(found(file, "docker.io").await.unwrap(), user("u", "p"));
        assert_eq!(found(file, "old.example").await.unwrap(), user("a", "b:c"));
        assert_eq!(found(file, "r.example:5000").await.unwrap(), user("x", "y"));
        assert_eq!(found(file, "other.example").await.unwrap(), RegistryAuth::Anonymous);
    }

    #[tokio::test]
    async fn a_damaged_or_unusable_entry_is_named() {
        let file = r#"{"auths":{"a.example":{"auth":"%"},"b.example":{"identitytoken":"t"}}}"#;
        for registry in ["a.example", "b.example"] {
            assert!(found(file, registry).await.unwrap_err().to_string().contains(registry));
        }
    }

    #[tokio::test]
    async fn a_helper_is_asked_for_the_registry_by_its_address() {
        use engine::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let helper = async |body: &str| {
            let path = dir.path().join("docker-credential-test");
            std::fs::write(&path, format!("#!/bin/sh\nread -r url\n{body}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            ask(path.to_str().unwrap(), "r.example", "r.example").await
        };
        let answer = r#"echo "{\"ServerURL\":\"$url\",\"Username\":\"$1\",\"Secret\":\"$url\"}""#;
        assert_eq!(helper(answer).await.unwrap(), user("get", "r.example"));
        let missing = "echo credentials not found in native keychain; exit 1";
        assert_eq!(helper(missing).await.unwrap(), RegistryAuth::Anonymous);
        let broken = helper("echo locked; exit 1").await.unwrap_err().to_string();
        assert!(broken.contains("locked"), "{broken}");
        assert!(helper("echo {}").await.is_err());
        let token = r#"echo '{"Username":"<token>","Secret":"x"}'"#;
        assert!(helper(token).await.unwrap_err().to_string().contains("identity token"));
        let path = dir.path().join("docker-credential-test");
        let program = path.to_str().unwrap();
        for (body, erased) in [("exit 0", Some(true)), (missing, Some(false)), ("exit 1", None)] {
            let _ = helper(body).await;
            assert_eq!(erase(program, "r.example", "r.example").await.ok(), erased, "{body}");
        }
        assert!(erase(program, "r.example", "r.example").await.unwrap_err().started);
        let missing = dir.path().join("none");
        let missing = erase(missing.to_str().unwrap(), "r.example", "r.example").await;
        assert!(!missing.unwrap_err().started);
    }

    #[tokio::test]
    async fn a_helper_that_is_not_installed_is_named() {
        let file = r#"{"credHelpers":{"a.example":"transom-test-missing"}}"#;
        let error = found(file, "a.example").await.unwrap_err().to_string();
        assert!(error.contains("docker-credential-transom-test-missing"), "{error}");
        assert_eq!(found(file, "b.example").await.unwrap(), RegistryAuth::Anonymous);
    }
}
