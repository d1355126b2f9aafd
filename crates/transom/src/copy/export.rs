//! `export`: a container's files as a plain tar archive.
//!
//! All that its image and itself brought, as names are on `C:`; not the platform's Windows, which
//! is the host's, and not the registry, which `commit` keeps.

use std::io::IsTerminal;

use anyhow::{Result, bail};

use super::out;
use super::view::{self, Directory};
use crate::cli::build::Export;
use crate::draft::Draft;
use crate::host::Host;

/// `export`
pub async fn command(host: &Host, args: Export) -> Result<()> {
    let found = host.find(&args.container).await?;
    let mut folders = vec![view::upper(&found)?];
    folders.extend(found.record.layers.iter().map(|layer| layer.join("fs")));
    let Some(path) = args.output else {
        if std::io::stdout().is_terminal() {
            bail!("cowardly refusing to save to a terminal: use -o or redirect");
        }
        return super::on_thread(move || {
            out::archive(&Directory::of(&folders)?, std::io::stdout())
        })
        .await;
    };
    let draft = Draft::begin(&path)?;
    let file = draft.file()?;
    super::on_thread(move || out::archive(&Directory::of(&folders)?, file)).await?;
    draft.keep()
}
