//! `export`: a container's files as a plain tar archive.
//!
//! All that its image and itself brought, as names are on `C:`; not the platform's Windows, which
//! is the host's, but for folders of it that were renamed, and not the registry, which `commit` keeps.

use std::io::IsTerminal;

use anyhow::{Result, bail};
use image::merged::Directory;

use super::out;
use super::view;
use crate::cli::build::Export;
use crate::draft::Draft;
use crate::host::Host;

/// `export`
pub async fn command(host: &Host, args: Export) -> Result<()> {
    let found = host.find(&args.container).await?;
    let platform = host.platform().await?.drive_c;
    let folders = view::stopped(&found, &platform)?;
    let drive = move || Directory::showing(&folders, |folder| folder != platform);
    let Some(path) = args.output else {
        if std::io::stdout().is_terminal() {
            bail!("cowardly refusing to save to a terminal: use -o or redirect");
        }
        return super::on_thread(move || out::archive(&drive()?, std::io::stdout())).await;
    };
    let draft = Draft::begin(&path)?;
    let file = draft.file()?;
    super::on_thread(move || out::archive(&drive()?, file)).await?;
    draft.keep()
}
