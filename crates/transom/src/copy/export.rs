//! `export`: a container's files as a plain tar archive.
//!
//! All that its image and itself brought, as names are on `C:`; not the platform's Windows, which
//! is the host's, and not the registry, which `commit` keeps.

use std::fs::File;
use std::io::IsTerminal;

use anyhow::{Context, Result, bail};

use super::out;
use super::view::{self, Directory};
use crate::cli::build::Export;
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
    // Half an archive is none: it gets its name when it is whole.
    let draft = path.with_extension(format!("transom-{}", std::process::id()));
    let file = File::create_new(&draft);
    let file = file.with_context(|| format!("creating {}", draft.display()))?;
    let done = super::on_thread(move || out::archive(&Directory::of(&folders)?, file)).await;
    let placed = done.and_then(|()| {
        std::fs::rename(&draft, &path).with_context(|| format!("writing {}", path.display()))
    });
    if placed.is_err() {
        std::fs::remove_file(&draft).ok();
    }
    placed
}
