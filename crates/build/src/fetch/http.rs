//! Downloads. What was fetched before is asked for again only if it has changed, and not at all if
//! its checksum is known.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use image::Digest;
use reqwest::header::{
    ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{FetchError, Result, at};
use crate::kept;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a server may be silent.
const READ_TIMEOUT: Duration = Duration::from_mins(2);

/// Where downloads are kept.
#[derive(Debug, Clone)]
pub struct Downloads(PathBuf);

/// A file that was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Where it is.
    pub file: PathBuf,
    /// The last name of its address.
    pub name: String,
    /// Of its content.
    pub digest: Digest,
}

impl Downloads {
    /// Those of builds that keep their things below `root`.
    pub fn below(root: &Path) -> Self {
        Self(root.join(kept::DOWNLOADS))
    }

    /// What is at `url`; with a checksum (`sha256:HEX`), exactly that.
    pub async fn get(&self, url: &str, checksum: Option<&str>) -> Result<Download> {
        let wanted = checksum.map(parse_checksum).transpose()?;
        let folder = self.0.join(Digest::of(url.as_bytes()).hex());
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        kept::note_use(&folder).map_err(at(&folder))?;
        let before = known(&folder);
        if let (Some(wanted), Some((digest, _))) = (&wanted, &before)
            && wanted == digest
        {
            return Ok(download(url, &folder, digest.clone()));
        }
        let digest = fetch(url, &folder, before).await?;
        match wanted {
            Some(wanted) if wanted != digest => {
                Err(FetchError::Digest { got: digest.to_string(), wanted: wanted.to_string() })
            }
            _ => Ok(download(url, &folder, digest)),
        }
    }
}

fn download(url: &str, folder: &Path, digest: Digest) -> Download {
    let file = body(folder, &digest);
    Download { file, name: name_of(url), digest }
}

/// Each content has a file of its own: one that a step is reading is not changed under it.
fn body(folder: &Path, digest: &Digest) -> PathBuf {
    folder.join(digest.hex())
}

/// The last name of the address' path.
fn name_of(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    match path.split_once('/').map(|(_, path)| path.rsplit('/').next().unwrap_or_default()) {
        None | Some("" | "." | "..") => "__unnamed__".to_owned(),
        Some(name) => name.to_owned(),
    }
}

fn parse_checksum(text: &str) -> Result<Digest> {
    text.parse().map_err(|_| FetchError::Checksum(text.to_owned()))
}

/// What was fetched before, and what the server said about it.
fn known(folder: &Path) -> Option<(Digest, Value)> {
    let text = fs::read_to_string(folder.join("about.json")).ok()?;
    let about: Value = serde_json::from_str(&text).ok()?;
    let digest: Digest = about["digest"].as_str()?.parse().ok()?;
    body(folder, &digest).is_file().then_some((digest, about))
}

async fn fetch(url: &str, folder: &Path, before: Option<(Digest, Value)>) -> Result<Digest> {
    let failed = |source| FetchError::Http { url: url.to_owned(), source };
    let mut request = client().map_err(failed)?.get(url);
    if let Some((_, about)) = &before {
        for (name, field) in [(IF_NONE_MATCH, "etag"), (IF_MODIFIED_SINCE, "modified")] {
            if let Some(value) = about[field].as_str() {
                request = request.header(name, value);
            }
        }
    }
    let response = request.send().await.map_err(failed)?;
    match before {
        Some((digest, _)) if response.status() == StatusCode::NOT_MODIFIED => Ok(digest),
        _ => keep(response.error_for_status().map_err(failed)?, url, folder).await,
    }
}

/// One that does not wait for ever.
pub(super) fn client() -> reqwest::Result<Client> {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .user_agent(concat!("transom/", env!("CARGO_PKG_VERSION")))
        .build()
}

async fn keep(response: Response, url: &str, folder: &Path) -> Result<Digest> {
    let said = |name: HeaderName| text(response.headers(), &name);
    let (etag, modified) = (said(ETAG), said(LAST_MODIFIED));
    let beside = tempfile::NamedTempFile::new_in(folder).map_err(at(folder))?;
    let path = beside.path().to_owned();
    let mut file = tokio::fs::File::from_std(beside.reopen().map_err(at(&path))?);
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|source| FetchError::Http { url: url.to_owned(), source })?;
        file.write_all(&chunk).await.map_err(at(&path))?;
    }
    file.flush().await.map_err(at(&path))?;
    let file = file.into_std().await;
    // A server that does not say when a file was changed must not make a new layer of it each time.
    let time = modified.as_deref().and_then(time).unwrap_or(SystemTime::UNIX_EPOCH);
    file.set_modified(time).map_err(at(&path))?;
    let digest = {
        let path = path.clone();
        crate::blocking(move || {
            fs::File::open(&path).and_then(Digest::of_reader).map_err(at(&path))
        })
        .await?
    };
    let to = body(folder, &digest);
    beside.persist(&to).map_err(|error| at(&to)(error.error))?;
    let digest_text = digest.to_string();
    let about = json!({ "url": without_account(url), "digest": digest_text, "etag": etag, "modified": modified });
    kept::describe(folder, &about).map_err(at(folder))?;
    Ok(digest)
}

/// An address as it may be shown.
fn without_account(url: &str) -> String {
    let Ok(mut parsed) = reqwest::Url::parse(url) else { return url.to_owned() };
    // An address of the web can have none.
    let _ = parsed.set_username("").and_then(|()| parsed.set_password(None));
    parsed.to_string()
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn time(text: &str) -> Option<SystemTime> {
    let parsed = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(parsed.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_as_its_address_ends() {
        for (url, name) in [
            ("http://h/a/foo", "foo"),
            ("http://h/foo.txt?x=/y#z", "foo.txt"),
            ("http://h/", "__unnamed__"),
            ("http://h", "__unnamed__"),
            ("http://h/a/..", "__unnamed__"),
        ] {
            assert_eq!(name_of(url), name, "{url}");
        }
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        assert_eq!(without_account("http://me:secret@h/a?b"), "http://h/a?b");
        assert_eq!(without_account("http://h/a"), "http://h/a");
    }

    #[test]
    fn times_are_read_as_servers_write_them() {
        let time = time("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(), 784_111_777);
    }
}
