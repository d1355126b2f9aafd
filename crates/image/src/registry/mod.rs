//! Registries, through `oci-client`.
//!
//! Plain HTTP is only ever spoken to loopback and to registries that the settings name; those are
//! asked with TLS first.

mod auth;
mod document;
mod fetch;
mod login;
mod pull;
mod push;
mod tags;

use std::net::IpAddr;
use std::time::Duration;

use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;

pub(crate) use document::{Kind, choose, kind};
pub(crate) use fetch::is_foreign;
pub use login::{Forgotten, Kept};
pub use pull::{PullOptions, Pulled};
pub use push::Pushed;

use crate::error::{Error, Result};
use crate::name::ImageName;
use crate::settings::Settings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a registry may be silent.
const READ_TIMEOUT: Duration = Duration::from_mins(2);

/// A registry to speak to, and as whom.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) auth: RegistryAuth,
}

impl Connection {
    /// Finds out how `name`'s registry is spoken to.
    pub(crate) async fn open(name: &ImageName, settings: &Settings) -> Result<Self> {
        let auth = auth::find(name.registry(), settings.docker_config.as_deref()).await?;
        Self::with(name, settings, auth).await
    }

    /// The same as somebody.
    async fn with(name: &ImageName, settings: &Settings, auth: RegistryAuth) -> Result<Self> {
        let insecure = is_insecure(name.registry(), settings);
        let secure = client(ClientProtocol::Https, insecure, name)?;
        if !insecure || speaks_tls(&secure, name).await {
            return Ok(Self { client: secure, auth });
        }
        Ok(Self { client: client(ClientProtocol::Http, true, name)?, auth })
    }
}

/// Whether this registry may be spoken to without TLS, or with a certificate that nobody vouches for.
pub(crate) fn is_insecure(registry: &str, settings: &Settings) -> bool {
    let host = match registry.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => registry,
    };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let loopback = host == "localhost" || address.is_ok_and(|a| a.is_loopback());
    loopback || settings.insecure_registries.iter().any(|r| r == registry || r == host)
}

fn client(protocol: ClientProtocol, insecure: bool, name: &ImageName) -> Result<Client> {
    let config = ClientConfig {
        protocol,
        accept_invalid_certificates: insecure,
        use_monolithic_push: true,
        platform_resolver: None,
        connect_timeout: Some(CONNECT_TIMEOUT),
        read_timeout: Some(READ_TIMEOUT),
        user_agent: concat!("transom/", env!("CARGO_PKG_VERSION")),
        ..ClientConfig::default()
    };
    Client::try_from(config).map_err(failed("prepare to reach the registry of", name))
}

/// Any answer at all, also a refusal, came through TLS.
async fn speaks_tls(client: &Client, name: &ImageName) -> bool {
    let answer = client
        .auth(&name.reference(), &RegistryAuth::Anonymous, oci_client::RegistryOperation::Pull)
        .await;
    !matches!(answer, Err(OciDistributionError::RequestError(_)))
}

pub(crate) fn failed(
    op: &'static str,
    name: &ImageName,
) -> impl Fn(OciDistributionError) -> Error + Clone {
    let image = name.familiar();
    move |source| Error::Registry { op, image: image.clone(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_what_is_configured_goes_without_tls() {
        let settings = Settings {
            insecure_registries: vec!["plain.example:80".into()],
            ..Settings::default()
        };
        for (registry, insecure) in [
            ("localhost:5000", true),
            ("localhost", true),
            ("127.0.0.2:5000", true),
            ("[::1]:5000", true),
            ("plain.example:80", true),
            ("plain.example", false),
            ("docker.io", false),
            ("10.0.0.1:5000", false),
            ("localhost.evil.example", false),
        ] {
            assert_eq!(is_insecure(registry, &settings), insecure, "{registry}");
        }
    }
}
