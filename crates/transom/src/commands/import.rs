//! `import`: an archive of files as an image, on the base that every container stands on.

use std::fs::File;
use std::io::{IsTerminal, Read};

use anyhow::{Context, Result, bail};
use image::{Compression, ContainerConfig, History, ImageConfig, NewLayer};
use jiff::Timestamp;

use super::pull;
use crate::cli::build::Import;
use crate::host::Host;

/// `import`
pub(super) async fn command(host: &Host, args: Import) -> Result<()> {
    if !matches!(args.platform.as_deref(), None | Some("windows" | "windows/amd64")) {
        bail!("platform {:?} is not supported: only windows/amd64 is", args.platform);
    }
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
    let layer = images.import_layer(&hold, input(&args.source)?, Compression::default()).await?;
    let pairs = base.layers.iter().zip(&base.config.rootfs.diff_ids);
    let below = pairs.map(|(descriptor, diff_id)| NewLayer {
        descriptor: descriptor.clone(),
        diff_id: diff_id.clone(),
    });
    let layers = below.chain([layer]).collect();
    let image = images.create_image(&hold, config, layers, args.name.as_deref()).await?;
    host.events.image(image.id.as_str(), "import", args.name.as_deref().unwrap_or_default());
    println!("{}", image.id);
    Ok(())
}

fn input(source: &str) -> Result<Box<dyn Read + Send>> {
    if source == "-" {
        if std::io::stdin().is_terminal() {
            bail!("requested import from stdin, but stdin is a terminal: redirect it");
        }
        return Ok(Box::new(std::io::stdin()));
    }
    if source.starts_with("http://") || source.starts_with("https://") {
        bail!("importing from a URL is not supported: fetch {source} first, and pipe it in with -");
    }
    let file = File::open(source).with_context(|| format!("opening {source}"))?;
    Ok(Box::new(file))
}
