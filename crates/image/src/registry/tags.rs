//! All tags of a repository, as its registry tells them page by page.

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
        let mut tags: Vec<String> = Vec::new();
        loop {
            let last = tags.last().map(String::as_str);
            let page = client.list_tags(&name.reference(), &auth, Some(PAGE), last).await;
            let page = page.map_err(|source| {
                let (image, source) = (name.familiar_repository(), Box::new(source));
                Error::Registry { op: "list the tags of", image, source }
            });
            let page = page?.tags;
            let before = tags.len();
            // Not every registry knows pages.
            tags.extend(page.into_iter().filter(|tag| !tag.is_empty()));
            tags.sort_unstable();
            tags.dedup();
            if tags.len() < before + PAGE {
                return Ok(tags);
            }
            if tags.len() > MOST {
                let what = format!("list of tags of `{}`", name.familiar_repository());
                return Err(Error::invalid(what, format!("there are more than {MOST}")));
            }
        }
    }
}
