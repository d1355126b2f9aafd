//! `commit`: a container's changes, of files and of the registry, as a new image.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use image::{Below, Compression, ContainerConfig, History, HiveFile, Image, ImageConfig, Scratch};
use jiff::Timestamp;

use crate::attach::wire::Call;
use crate::cli::build::Commit;
use crate::host::Host;
use crate::store::{Found, Status};

/// `commit`
pub(super) async fn command(host: &Host, args: Commit) -> Result<()> {
    let compression = compression(&args.compression)?;
    args.name.as_deref().map(image::ImageName::parse).transpose()?;
    let found = host.find(&args.container).await?;
    let work = Box::pin(commit(host, &found, &args, compression));
    let image = Box::pin(pausing(host, &found, args.pause, work)).await?;
    let comment = args.message.as_deref().unwrap_or_default();
    host.events.container(&found.record, "commit", &[("comment", comment)]);
    println!("{}", image.id);
    Ok(())
}

/// Does `work` while a container that runs stands still. However this ends (Ctrl-C), the monitor
/// sees that the connection is gone and lets the container go on.
async fn pausing<T>(
    host: &Host,
    found: &Found,
    wanted: bool,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let runs = found.state.status == Status::Running && found.folder.is_held();
    let monitor = if runs && wanted { host.monitor(&found.record.id).await? } else { None };
    let Some(mut monitor) = monitor else { return work.await };
    monitor.call(Call::Freeze).await.context("pausing the container")?;
    let done = work.await;
    // One that ended or was unpaused meanwhile needs nothing.
    let resumed = monitor.call(Call::Resume).await;
    if let Err(error) = resumed
        && host.find(&found.record.id).await.is_ok_and(|now| now.state.status == Status::Paused)
    {
        return Err(error.context("unpausing the container"));
    }
    done
}

async fn commit(
    host: &Host,
    found: &Found,
    args: &Commit,
    compression: Compression,
) -> Result<Image> {
    let images = host.images().await?;
    let hold = images.hold().await?;
    let base = images.leased_image(&found.record.id).await.context("finding its image")?;
    let config = build::change(configuration(found, &base, args)?, &args.change)?;
    let (upper, hives) = changes(host, found).await?;
    let below =
        Below { parents: found.record.layers.clone(), drive: host.platform().await?.drive_c };
    let scratch =
        Scratch { upper, below, exclude: foreign(found), hives, compression, ..Scratch::default() };
    let layer = images.add_scratch_layer(&hold, scratch).await?;
    let layers = base.parts().chain([layer]).collect();
    Ok(images.create_image(&hold, config, layers, args.name.as_deref()).await?)
}

/// What a container changed: where its files are, and its registry.
async fn changes(host: &Host, found: &Found) -> Result<(PathBuf, Vec<HiveFile>)> {
    let scratch = found.folder.scratch();
    let upper = scratch.join("upper");
    if !upper.is_dir() {
        bail!(
            "container {} has a scratch of a fixed size, which cannot be committed",
            found.record.name
        );
    }
    let platform = host.platform().await?;
    let layers = found.record.layers.clone();
    let hives = tokio::task::spawn_blocking(move || {
        let after = scratch.join("prefix");
        // A container that never ran has none yet.
        if std::fs::symlink_metadata(after.join("system.reg")).is_err() {
            return Ok(Vec::new());
        }
        let before = image::hive::chain::registry(&layers, &platform.registry, &platform.key);
        build::registry_changes(&before, &after, None).context("reading the registry")
    });
    Ok((upper, hives.await??))
}

/// Paths on the drive that Transom put there: what was given to this container only.
fn foreign(found: &Found) -> Vec<String> {
    let record = &found.record;
    if record.secrets.is_empty() && record.configs.is_empty() {
        return Vec::new();
    }
    ["internal", "secrets", "configs"].map(|name| format!("ProgramData/Docker/{name}")).into()
}

/// The image's configuration with the container's over it.
fn configuration(found: &Found, base: &Image, args: &Commit) -> Result<ImageConfig> {
    let record = &found.record;
    let mut own = serde_json::to_value(&record.config).context("reading the configuration")?;
    let members = own.as_object_mut().context("reading the configuration")?;
    // What belongs to this container, and not to others of the image.
    for name in ["Hostname", "Domainname", "Image", "MacAddress", "NetworkDisabled", "Tty"] {
        members.remove(name);
    }
    members.retain(|name, value| {
        let stdio = name.starts_with("Attach") || name.contains("Stdin");
        !stdio && !value.is_null() && value.as_str() != Some("")
    });
    let config: ContainerConfig =
        serde_json::from_value(own).context("reading the configuration")?;
    let now = Timestamp::now().to_string();
    let line: Vec<&str> =
        std::iter::once(&record.path).chain(&record.args).map(String::as_str).collect();
    let mut history = base.config.history.clone();
    history.push(History {
        created: Some(now.clone()),
        created_by: Some(line.join(" ")),
        author: args.author.clone(),
        comment: args.message.clone(),
        ..History::default()
    });
    Ok(ImageConfig {
        created: Some(now),
        author: args.author.clone().or_else(|| base.config.author.clone()),
        config,
        history,
        ..base.config.clone()
    })
}

/// `--compression`
pub(super) fn compression(text: &str) -> Result<Compression> {
    Ok(match text {
        "gzip" => Compression::default(),
        "zstd" => Compression::Zstd(3),
        "uncompressed" => Compression::Uncompressed,
        other => bail!("invalid compression \"{other}\": gzip, zstd or uncompressed"),
    })
}
