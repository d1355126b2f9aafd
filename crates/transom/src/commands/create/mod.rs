//! Making a container: image, settings, mounts, files, scratch.

mod cid_file;
mod mounts;

use std::io;

use anyhow::{Context, Result, bail};
use engine::Storage;
use jiff::Timestamp;
use spec::api::HostConfig;
use spec::create::{CreateRequest, Prepared};
use spec::process::Command;
use spec::{HostFacts, Lookups, PathKind};

use cid_file::CidFile;

use super::pull;
use crate::cli::run::Create;
use crate::host::drive::NewDrive;
use crate::host::volumes::Removal;
use crate::host::{Host, given};
use crate::monitor::{facts, log::check_driver};
use crate::settings;
use crate::store::volumes::Hold;
use crate::store::{Draft, Found, Record, State, record};

/// Makes the container that `flags` ask for; all or nothing.
pub(super) async fn create(host: &Host, flags: &Create, detached: bool) -> Result<Found> {
    let request = settings::create::request(flags, detached)?;
    flags.name.as_deref().map_or(Ok(()), record::check_name)?;
    let cidfile = flags.cidfile.as_ref().map(|path| CidFile::create(path)).transpose()?;
    let asked = asked(host, flags, request).await?;
    let id = record::new_id();
    // First of all, so that what a killed creation holds is seen to be nobody's.
    let draft = host.store.begin(&id)?;
    asked.images.lease(&id, &asked.image).await.context("holding on to the image")?;
    let mut making = Making::new(host, &id);
    let found = Box::pin(making.finish(flags, &asked, draft)).await;
    match found {
        Ok(found) => {
            if let Some(cidfile) = cidfile {
                cidfile.write(&id)?;
            }
            host.events.container(&found.record, "create", &[]);
            Ok(found)
        }
        Err(error) => {
            making.undo(&asked.images).await;
            Err(error)
        }
    }
}

/// The container that `flags` ask for, as it would be; nothing is made but the image's layers.
pub(super) async fn imagine(host: &Host, flags: &Create) -> Result<Found> {
    let asked = asked(host, flags, settings::create::request(flags, false)?).await?;
    let id = record::new_id();
    let mut making = Making { imagined: true, ..Making::new(host, &id) };
    let record = making.record(flags, &asked).await?;
    Ok(Found { folder: host.store.folder(&id), record, state: State::default() })
}

/// What is asked for, judged.
struct Asked {
    images: image::Store,
    image: image::Image,
    prepared: Prepared,
    facts: HostFacts,
}

async fn asked(host: &Host, flags: &Create, request: CreateRequest) -> Result<Asked> {
    let images = host.images().await?;
    let image = pull::for_container(host, &images, flags).await?;
    let facts = facts(host);
    let api = pull::as_api(&image.config)?;
    let prepared = spec::create::prepare(request, &api, &facts, &NoLookups)?;
    for warning in &prepared.warnings {
        eprintln!("WARNING: {warning}");
    }
    check(host, &prepared.host_config).await?;
    Ok(Asked { images, image, prepared, facts })
}

/// What has been acquired for a container that is not finished.
struct Making<'a> {
    host: &'a Host,
    id: &'a str,
    /// Those that were not there before.
    volumes: Vec<String>,
    /// Until the container stands in the store, nobody sees that it has volumes.
    keeping: Option<Hold>,
    /// Nothing is to be made.
    imagined: bool,
}

impl<'a> Making<'a> {
    fn new(host: &'a Host, id: &'a str) -> Self {
        Self { host, id, volumes: Vec::new(), keeping: None, imagined: false }
    }

    async fn finish(&mut self, flags: &Create, asked: &Asked, draft: Draft) -> Result<Found> {
        let record = self.record(flags, asked).await?;
        self.place(record, flags.name.is_some(), draft).await
    }

    async fn record(&mut self, flags: &Create, asked: &Asked) -> Result<Record> {
        let Asked { images, image, prepared, facts } = asked;
        let layers = pull::unpack(self.host, images, image, flags.quiet).await?;
        let mounts = self.mounts(prepared, facts).await?;
        let command = Command::of(&prepared.config).context("no command specified")?;
        let name = flags.name.clone().unwrap_or_else(crate::random::name);
        let endpoints = prepared.networking.endpoints_config.clone().into_iter();
        let networks = endpoints.map(|(name, one)| (name, one.unwrap_or_default())).collect();
        let mut record = Record {
            id: self.id.to_owned(),
            name,
            created: Timestamp::now(),
            image_id: image.id.to_string(),
            path: command.path,
            args: command.args,
            config: prepared.config.clone(),
            host_config: prepared.host_config.clone(),
            networks,
            secrets: settings::given::parse("--secret", &flags.secrets.secret)?,
            configs: settings::given::parse("--config", &flags.secrets.config)?,
            mounts,
            layers,
            os_version: image.config.os_version.clone().unwrap_or_default(),
        };
        if record.config.hostname.is_empty()
            && record.host_config.network_mode.container().is_none()
        {
            record.config.hostname = record.short_id().to_owned();
        }
        Ok(record)
    }

    async fn place(&self, mut record: Record, named: bool, draft: Draft) -> Result<Found> {
        let size = scratch_size(&record.host_config)?;
        let scratch = draft.folder().scratch();
        if record.host_config.auto_remove {
            std::fs::create_dir_all(&scratch)?;
            std::fs::write(scratch.join(engine::PASSING), "")?;
        }
        let made = self.host.engine.create_scratch(&scratch, &record.layers, size).await;
        made.context("making the container's scratch")?;
        let platform = self.host.platform().await?;
        let drive = NewDrive::new(&scratch, &record.layers, &platform);
        given::link(&drive, &record)?;
        let folder = &record.config.working_dir;
        drive.ensure_folder(folder).with_context(|| format!("making the folder {folder}"))?;
        match draft.take_name(&record.name) {
            Ok(()) => {}
            Err(error) if named => return Err(error),
            // Two containers drew the same name.
            Err(_) => {
                record.name = format!("{}_{}", record.name, &record.id[..8]);
                draft.take_name(&record.name)?;
            }
        }
        draft.finish(record)
    }

    /// Gives back what was acquired; the draft has done so itself. What cannot be given back is
    /// told, since the error that led here is told as well.
    async fn undo(&mut self, images: &image::Store) {
        if let Err(error) = self.give_back_volumes().await {
            tracing::error!(error = %format!("{error:#}"), "a volume was not removed");
        }
        if let Err(error) = images.release(self.id).await {
            tracing::error!(%error, "the image is still held");
        }
    }

    /// Somebody may have found use for one that has a name: what is used or filled stays.
    async fn give_back_volumes(&mut self) -> Result<()> {
        self.keeping = None;
        if self.volumes.is_empty() {
            return Ok(());
        }
        let mut removal = Removal::begin(self.host).await?;
        let names = self.volumes.iter();
        let hidden = names.map(|name| removal.remove_unused(name)).fold(Ok(()), Result::and);
        let deleted = removal.finish().await?.into_iter().try_for_each(|(_, done)| done.map(drop));
        hidden.and(deleted)
    }
}

/// What `spec` does not judge, because it depends on what this host is.
async fn check(host: &Host, config: &HostConfig) -> Result<()> {
    check_driver(&config.log_config)?;
    let mode = &config.network_mode;
    if mode.0 == "host" {
        bail!(
            "network host is refused: Windows has no host network, and a container in the host's \
             network namespace would not be kept from the host; publish ports with -p"
        );
    }
    if let Some(other) = mode.container() {
        host.find(other).await.context("joining a container's network")?;
    }
    scratch_size(config)?;
    Ok(())
}

fn scratch_size(config: &HostConfig) -> Result<Option<u64>> {
    let mut size = None;
    for (name, value) in &config.storage_opt {
        if !name.eq_ignore_ascii_case("size") {
            bail!("storage option \"{name}\" is not supported: only size is");
        }
        size = Some(settings::size::parse(value).context("reading --storage-opt size")?);
    }
    Ok(size)
}

/// Answers what `spec` asks of the host while a container is made.
struct NoLookups;

impl Lookups for NoLookups {
    fn stat(&self, path: &str) -> io::Result<Option<PathKind>> {
        settings::stat(path)
    }

    fn read_credential_spec(&self, path: &str) -> io::Result<String> {
        std::fs::read_to_string(path)
    }

    fn layer_folders(&self, container: &str) -> io::Result<Vec<String>> {
        Err(io::Error::other(format!("container {container} has no layers yet")))
    }
}
