//! `import`: an archive of files as an image, on the base that every container stands on.

use std::fs::File;
use std::io::{IsTerminal, Read};

use anyhow::{Context, Result, bail};
use build::fetch::{Incoming, is_http};
use image::{Compression, ContainerConfig, History, ImageConfig};
use jiff::Timestamp;

use super::{progress, pull};
use crate::cli::build::Import;
use crate::host::Host;

/// `import`
pub(super) async fn command(host: &Host, args: Import) -> Result<()> {
    pull::check_platform(args.platform.as_deref())?;
    let images = host.images().await?;
    let base = pull::base(host, &images).await?;
    let now = Timestamp::now().to_string();
    let mut history = base.config.history.clone();
    history.push(History {
        created: Some(now.clone()),
        comment: Some(
            args.message.clone().unwrap_or_else(|| format!("Imported from {}", args.source)),
        ),
        ..History::default()
    });
    let config = ImageConfig {
        created: Some(now),
        author: None,
        config: ContainerConfig::default(),
        history,
        ..base.config.clone()
    };
    let config = build::change(config, &args.change)?;
    let hold = images.hold().await?;
    let input = input(&args.source, images.settings().max_unpacked_bytes).await?;
    let layer = images.import_layer(&hold, input, Compression::default()).await?;
    let layers = base.parts().chain([layer]).collect();
    let image = images.create_image(&hold, config, layers, args.name.as_deref()).await?;
    host.events.image(image.id.as_str(), "import", args.name.as_deref().unwrap_or_default());
    println!("{}", image.id);
    Ok(())
}

/// What is imported, of which there is never more than `limit` bytes.
async fn input(source: &str, limit: u64) -> Result<Box<dyn Read + Send>> {
    if source == "-" {
        if std::io::stdin().is_terminal() {
            bail!("requested import from stdin, but stdin is a terminal: redirect it");
        }
        return Ok(Box::new(std::io::stdin()));
    }
    if is_http(source) {
        eprintln!("Downloading from {source}");
        let incoming = Incoming::open(source).await?;
        if incoming.length.is_some_and(|length| length > limit) {
            bail!("{source} is larger than max_unpacked_bytes allows");
        }
        let length = incoming.length;
        return Ok(Box::new(progress::reader(incoming, length).take(limit)));
    }
    let file = File::open(source).with_context(|| format!("opening {source}"))?;
    Ok(Box::new(file))
}
