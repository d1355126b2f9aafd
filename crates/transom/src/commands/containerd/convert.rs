//! `containerd convert`: one Windows manifest, as a containerd on Linux can use it.
//!
//! A Linux containerd looks in an index for its own platform, and finds none in an index of Windows
//! images. An image record that points at the manifest itself is taken as it is.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use image::ImageName;

use crate::cli::containerd::Convert;
use crate::commands::pull;
use crate::draft::Draft;
use crate::host::Host;

pub(super) async fn command(host: &Host, args: &Convert) -> Result<()> {
    let images = host.images().await?;
    let name = ImageName::parse(&args.image)?;
    let image = pull::here_or_pulled(host, &images, &args.image, args.quiet).await?;
    let Some(output) = &args.output else {
        let file = tempfile::NamedTempFile::new().context("making a temporary file")?;
        let archive = Box::new(file.reopen().context("opening the archive")?);
        images.save_for_containerd(&image, &name, args.drop_user, archive).await?;
        import(file.path(), args)?;
        println!("{}", name.canonical());
        return Ok(());
    };
    let draft = Draft::begin(output)?;
    let archive = Box::new(draft.file()?);
    images.save_for_containerd(&image, &name, args.drop_user, archive).await?;
    draft.keep()
}

fn import(archive: &Path, args: &Convert) -> Result<()> {
    let ctr = |words: &[&str]| {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(&args.address).arg("--namespace").arg(&args.namespace);
        command.args(["images", "import"]).args(words);
        command
    };
    let help = ctr(&["--help"]).output().context("starting ctr, which comes with containerd")?;
    let mut command = ctr(&[]);
    // From 2.3 on the daemon's own import leaves images of other systems packed.
    if String::from_utf8_lossy(&help.stdout).contains("--local") {
        command.arg("--local");
    }
    let output = command.arg(archive).output().context("starting ctr")?;
    if !output.status.success() {
        bail!("containerd did not import it: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
