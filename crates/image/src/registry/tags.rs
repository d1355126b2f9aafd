//! All tags of a repository, as its registry tells them page by page.

use std::collections::BTreeSet;

use super::Connection;
use crate::error::{Error, Result};
use crate::name::ImageName;
use crate::store::Store;

const PAGE: usize = 1000;
/// A registry could go on for ever.
const MOST: usize = 100_000;

impl Store {
    /// The tags that a name's repository has in its registry.
    pub async fn tags(&self, name: &ImageName) -> Result<Vec<String>> {
        let Connection { client, auth } = Connection::open(name, self.settings()).await?;
        let mut tags = BTreeSet::new();
        let mut last: Option<String> = None;
        loop {
            let page =
                client.list_tags(&name.reference(), &auth, Some(PAGE), last.as_deref()).await;
            let page = page.map_err(|source| {
                let (image, source) = (name.familiar_repository(), Box::new(source));
                Error::Registry { op: "list the tags of", image, source }
            });
            let page = page?.tags;
            last = page.last().cloned();
            let before = tags.len();
            tags.extend(page.into_iter().filter(|tag| !tag.is_empty()));
            // A registry may give fewer at once than it was asked for, and one that knows no pages
            // gives all of them again.
            if tags.len() == before {
                return Ok(tags.into_iter().collect());
            }
            if tags.len() > MOST {
                let what = format!("list of tags of `{}`", name.familiar_repository());
                return Err(Error::invalid(what, format!("there are more than {MOST}")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A registry that has `a` to `e`, and gives two of them at once whatever it is asked for.
    /// Debian's gives all.
    async fn capped(listener: TcpListener) {
        loop {
            let Ok((mut client, _)) = listener.accept().await else { return };
            let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
            while b"GET ".starts_with(&request[..request.len().min(4)])
                && !request.ends_with(b"\r\n\r\n")
            {
                match client.read(&mut buffer).await {
                    Ok(read @ 1..) => request.extend(&buffer[..read]),
                    _ => break,
                }
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let last = request.split("last=").nth(1).map_or("", |rest| &rest[..1]);
            let after = ["a", "b", "c", "d", "e"].into_iter().filter(|tag| *tag > last);
            let tags: Vec<&str> = after.take(2).collect();
            let tags = if tags.is_empty() { None } else { Some(tags) };
            let body = serde_json::json!({ "name": "some", "tags": tags }).to_string();
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}");
            let _ = client.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await;
        }
    }

    #[tokio::test]
    async fn a_page_that_is_shorter_than_asked_for_is_not_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let name = format!("{}/some", listener.local_addr().unwrap());
        let name = ImageName::parse(&name).unwrap();
        tokio::select! {
            tags = store.tags(&name) => assert_eq!(tags.unwrap(), ["a", "b", "c", "d", "e"]),
            () = capped(listener) => unreachable!("it serves as long as it is asked"),
        }
    }
}
