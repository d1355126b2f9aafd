//! Images for containers, `pull` and `push`.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use image::{Image, ImageName, OsVersion, Progress, PullOptions, Quiet};
use spec::api::ImageConfig;

use super::Status;
use super::progress::{Bars, Lines};
use crate::cli::image::{Pull, Push};
use crate::cli::run::Create;
use crate::host::Host;

/// The image that a container is made from, pulled when that is asked for or needed.
pub(super) async fn for_container(
    host: &Host,
    images: &image::Store,
    flags: &Create,
) -> Result<Image> {
    let name = &flags.line[0];
    check_platform(flags.platform.as_deref())?;
    if !matches!(flags.pull.as_str(), "always" | "missing" | "never") {
        bail!("invalid value of --pull: \"{}\": always, missing or never", flags.pull);
    }
    if is_base(name) {
        return base(host, images).await;
    }
    if flags.pull == "always" {
        return fetch(host, images, name, flags.quiet).await;
    }
    match images.resolve(name).await {
        Ok(image) => {
            image.check_platform()?;
            // A name that stands for the base has the platform's Windows too.
            if image.names.iter().any(ImageName::is_builtin) {
                base(host, images).await
            } else {
                Ok(image)
            }
        }
        Err(error) if error.is_not_found() && stands_for_base(images, name) => {
            base(host, images).await
        }
        Err(error) if error.is_not_found() && flags.pull == "missing" => {
            if !flags.quiet {
                eprintln!("Unable to find image '{name}' locally");
            }
            fetch(host, images, name, flags.quiet).await
        }
        Err(error) => Err(error.into()),
    }
}

/// An image for something else than a container: one that is here, or else a registry's.
pub(super) async fn here_or_pulled(
    host: &Host,
    images: &image::Store,
    name: &str,
    quiet: bool,
) -> Result<Image> {
    if is_base(name) {
        return base(host, images).await;
    }
    match images.resolve(name).await {
        Ok(image) => {
            image.check_platform()?;
            Ok(image)
        }
        Err(error) if error.is_not_found() => fetch(host, images, name, quiet).await,
        Err(error) => Err(error.into()),
    }
}

/// Unpacks an image and gives its folders, the nearest parent first.
pub(super) async fn unpack(
    host: &Host,
    images: &image::Store,
    image: &Image,
    quiet: bool,
) -> Result<Vec<PathBuf>> {
    let platform = host.platform().await?;
    let progress = progress(quiet);
    let chain = images.unpack(image, &platform.drive_c, progress).await;
    let folders = chain.context("unpacking the image")?.folders;
    if !engine::os::DRIVES_ARE_FOLDERS {
        return Ok(folders);
    }
    let layers = folders.clone();
    // Hives are parsed once per image and platform; after that this reads two small files.
    let compose = move || image::hive::chain::compose(&layers, &platform.registry, &platform.key);
    tokio::task::spawn_blocking(compose).await?.context("laying the image's registry")?;
    Ok(folders)
}

/// An image's configuration as `spec` reads it.
pub(super) fn as_api(config: &image::ImageConfig) -> Result<ImageConfig> {
    let mut value = serde_json::to_value(config).context("reading the image's configuration")?;
    drop_nulls(&mut value);
    serde_json::from_value(value).context("reading the image's configuration")
}

/// Docker and others write `null` where nothing is.
fn drop_nulls(value: &mut serde_json::Value) {
    if let serde_json::Value::Object(members) = value {
        members.retain(|_, member| !member.is_null());
        members.values_mut().for_each(drop_nulls);
    }
}

fn is_base(name: &str) -> bool {
    ImageName::parse(name).is_ok_and(|name| name.is_builtin())
}

fn stands_for_base(images: &image::Store, name: &str) -> bool {
    let Ok(name) = ImageName::parse(name) else { return false };
    images.settings().image_map.get(&name).is_some_and(ImageName::is_builtin)
}

/// Transom's own base image, made for the platform that this host has.
pub(super) async fn base(host: &Host, images: &image::Store) -> Result<Image> {
    let platform = host.platform().await?;
    let version = platform.os_version.parse().context("reading the platform's version")?;
    images.ensure_base(&version).await.context("making the base image")
}

/// Refuses a `--platform` that nothing here is for.
pub(super) fn check_platform(platform: Option<&str>) -> Result<()> {
    match platform {
        None | Some("windows" | "windows/amd64" | "windows/x86_64") => Ok(()),
        Some(other) => bail!("platform {other} is not supported: only windows/amd64 is"),
    }
}

/// How far things are, on stderr: bars on a terminal, lines elsewhere.
pub(super) fn progress(quiet: bool) -> Arc<dyn Progress> {
    if quiet || !std::io::stderr().is_terminal() {
        Arc::new(Quiet)
    } else {
        Arc::new(Bars::default())
    }
}

/// Pulls an image.
async fn fetch(host: &Host, images: &image::Store, name: &str, quiet: bool) -> Result<Image> {
    let platform = host.platform().await?;
    let version = platform.os_version.parse().context("reading the platform's version")?;
    let bars = progress(quiet);
    let pulled = images.pull(name, PullOptions { host: version }, bars).await?;
    host.events.image(&pulled.name.familiar(), "pull", &pulled.name.familiar_repository());
    Ok(pulled.image)
}

/// `pull`
pub(super) async fn pull(host: &Host, args: Pull) -> Result<()> {
    check_platform(args.platform.as_deref())?;
    let images = host.images().await?;
    let platform = host.platform().await?;
    let version: OsVersion =
        platform.os_version.parse().context("reading the platform's version")?;
    if !args.all_tags {
        return pull_one(host, &images, &args.image, version, args.quiet).await;
    }
    let name = whole_repository(&args.image)?;
    let tags = images.tags(&name).await?;
    if tags.is_empty() {
        bail!("{} has no tags", name.familiar_repository());
    }
    let mut failed = false;
    for tag in tags {
        let name = format!("{}:{tag}", name.familiar_repository());
        // One that is for another system keeps nobody from the others.
        if let Err(error) = pull_one(host, &images, &name, version, args.quiet).await {
            eprintln!("transom: {error:#}");
            failed = true;
        }
    }
    if failed { Err(Status(1).into()) } else { Ok(()) }
}

async fn pull_one(
    host: &Host,
    images: &image::Store,
    image: &str,
    version: OsVersion,
    quiet: bool,
) -> Result<()> {
    let pulled = images.pull(image, PullOptions { host: version }, shown(quiet)).await?;
    let name = pulled.name.familiar();
    host.events.image(&name, "pull", &pulled.name.familiar_repository());
    if !quiet {
        println!("Digest: {}", pulled.digest);
        if pulled.changed {
            println!("Status: Downloaded newer image for {name}");
        } else {
            println!("Status: Image is up to date for {name}");
        }
    }
    println!("{}", pulled.name.canonical());
    Ok(())
}

/// `push`
pub(super) async fn push(host: &Host, args: Push) -> Result<()> {
    check_platform(args.platform.as_deref())?;
    let images = host.images().await?;
    if !args.all_tags {
        return push_one(host, &images, &args.image, args.quiet).await;
    }
    let repository = whole_repository(&args.image)?.familiar_repository();
    let all = images.images().await?.into_iter().flat_map(|image| image.names);
    let mut names: Vec<String> = all
        .filter(|name| name.familiar_repository() == repository)
        .map(|name| name.familiar())
        .collect();
    names.sort_unstable();
    if names.is_empty() {
        bail!("no image is tagged {repository}");
    }
    for name in names {
        push_one(host, &images, &name, args.quiet).await?;
    }
    Ok(())
}

async fn push_one(host: &Host, images: &image::Store, image: &str, quiet: bool) -> Result<()> {
    let pushed = images.push(image, shown(quiet)).await?;
    let name = pushed.name.familiar();
    host.events.image(&name, "push", &pushed.name.familiar_repository());
    if quiet {
        println!("{}", pushed.name.canonical());
    } else {
        let tag = pushed.name.tag().unwrap_or("latest");
        println!("{tag}: digest: {} size: {}", pushed.digest, pushed.size);
    }
    Ok(())
}

/// A repository without a tag or a digest, for who wants all of it.
fn whole_repository(text: &str) -> Result<ImageName> {
    if text.rsplit('/').next().unwrap_or(text).contains([':', '@']) {
        bail!("tag can't be used with --all-tags/-a: {text}");
    }
    Ok(ImageName::parse(text)?)
}

/// How far a transfer is, on stdout's own behalf: bars on a terminal, a line per layer elsewhere.
pub(super) fn shown(quiet: bool) -> Arc<dyn Progress> {
    match (quiet, std::io::stderr().is_terminal()) {
        (true, _) => Arc::new(Quiet),
        (false, true) => Arc::new(Bars::default()),
        (false, false) => Arc::new(Lines),
    }
}
