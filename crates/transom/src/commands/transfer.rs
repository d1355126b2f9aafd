//! `load` and `save`

use std::fs::File;
use std::io::{IsTerminal, Read, Write};

use anyhow::{Context, Result, bail};
use image::ArchiveFormat;

use super::pull;
use crate::cli::image::{Load, Save};
use crate::draft::Draft;
use crate::host::Host;

/// `load`
pub(super) async fn load(host: &Host, args: Load) -> Result<()> {
    pull::check_platform(args.platform.as_deref())?;
    let input: Box<dyn Read + Send> = match &args.input {
        Some(path) => {
            let file = File::open(path);
            Box::new(file.with_context(|| format!("opening {}", path.display()))?)
        }
        None if std::io::stdin().is_terminal() => {
            bail!("requested load from stdin, but stdin is a terminal: use -i");
        }
        None => Box::new(std::io::stdin()),
    };
    let loaded = host.images().await?.load(input, pull::shown(args.quiet)).await?;
    for one in &loaded {
        let id = one.image.id.to_string();
        if one.names.is_empty() {
            println!("Loaded image ID: {id}");
        } else {
            one.names.iter().for_each(|name| println!("Loaded image: {}", name.familiar()));
        }
        host.events.image(&id, "load", &one.image.familiar());
    }
    Ok(())
}

/// `save`
pub(super) async fn save(host: &Host, args: Save) -> Result<()> {
    pull::check_platform(args.platform.as_deref())?;
    let images = host.images().await?;
    let Some(path) = &args.output else {
        if std::io::stdout().is_terminal() {
            bail!("cowardly refusing to save to a terminal: use -o or redirect");
        }
        let output: Box<dyn Write + Send> = Box::new(std::io::stdout());
        return Ok(images.save(&args.images, ArchiveFormat::Docker, output).await?);
    };
    let draft = Draft::begin(path)?;
    images.save(&args.images, ArchiveFormat::Docker, Box::new(draft.file()?)).await?;
    draft.keep()
}
