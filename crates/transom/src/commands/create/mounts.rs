//! The mounts of a container that is being made: what each comes to on this host.

use std::path::PathBuf;

use anyhow::{Context, Result};
use spec::HostFacts;
use spec::api::HostConfig;
use spec::create::Prepared;
use spec::mounts::{self, Inherited, VolumesFrom};

use super::{Making, NoLookups};
use crate::host::volumes;
use crate::store::{MountKind, MountPoint, record};

impl Making<'_> {
    /// The mounts of a container, with volumes made for those that need one.
    pub(super) async fn mounts(
        &mut self,
        prepared: &Prepared,
        facts: &HostFacts,
    ) -> Result<Vec<MountPoint>> {
        let inherited = self.inherited(&prepared.host_config).await?;
        let lookups = NoLookups;
        let points =
            mounts::collect(&prepared.config, &prepared.host_config, &inherited, facts, &lookups)?;
        if points.iter().any(|point| point.kind == mounts::MountKind::Volume) {
            self.keep().await?;
        }
        let mut decided = Vec::with_capacity(points.len());
        for point in points {
            decided.push(self.decide(&point)?);
        }
        Ok(decided)
    }

    /// What `--volumes-from` names. Another's volumes are looked at when they can no longer go: until
    /// then a removal may have taken both.
    async fn inherited(&mut self, config: &HostConfig) -> Result<Vec<Inherited>> {
        let mut others = Vec::new();
        for text in &config.volumes_from {
            let VolumesFrom { container, writable, .. } = mounts::volumes_from(text)?;
            // What a killed monitor left may have to be removed first, volumes and all.
            others.push((self.host.find(&container).await?.record.id, writable));
        }
        if !others.is_empty() {
            self.keep().await?;
        }
        let read = |(id, writable): (String, bool)| {
            let found = self.host.store.load(&id)?;
            Ok(Inherited { mounts: found.record.mounts.iter().map(as_point).collect(), writable })
        };
        others.into_iter().map(read).collect()
    }

    async fn keep(&mut self) -> Result<()> {
        if !self.imagined && self.keeping.is_none() {
            self.keeping = Some(volumes::keep(self.host).await?);
        }
        Ok(())
    }

    fn decide(&mut self, point: &mounts::MountPoint) -> Result<MountPoint> {
        let mount = MountPoint {
            kind: MountKind::Bind,
            source: point.source.clone(),
            destination: point.destination.clone(),
            writable: point.writable,
            ..MountPoint::default()
        };
        match point.kind {
            mounts::MountKind::Bind => Ok(mount),
            mounts::MountKind::NamedPipe => Ok(MountPoint { kind: MountKind::Npipe, ..mount }),
            mounts::MountKind::Volume => self.volume(point, mount),
        }
    }

    fn volume(&mut self, point: &mounts::MountPoint, mount: MountPoint) -> Result<MountPoint> {
        let volumes = &self.host.volumes;
        let anonymous = point.name.is_empty();
        if self.imagined {
            return Ok(self.imagined_volume(point, mount));
        }
        let labels = point.spec.volume_options.as_ref().map(|options| options.labels.clone());
        let (volume, made) = if anonymous {
            (volumes.create_anonymous()?, true)
        } else {
            volumes.ensure(&point.name, labels.unwrap_or_default())?
        };
        if made {
            self.volumes.push(volume.name.clone());
        }
        let mut source: PathBuf = volumes.data(&volume.name);
        if let Some(subpath) = point.subpath() {
            source = beneath(&source, &subpath.replace('\\', "/"))?;
        }
        Ok(MountPoint {
            kind: MountKind::Volume,
            name: Some(volume.name),
            source: source.to_string_lossy().into_owned(),
            anonymous: volume.anonymous,
            ..mount
        })
    }

    /// A volume that is not made: one without a name would get a random one.
    fn imagined_volume(&self, point: &mounts::MountPoint, mount: MountPoint) -> MountPoint {
        let anonymous = point.name.is_empty();
        let name = if anonymous { record::new_id() } else { point.name.to_lowercase() };
        let source = self.host.volumes.data(&name);
        let source = point.subpath().map_or(source.clone(), |below| source.join(below));
        MountPoint {
            kind: MountKind::Volume,
            name: Some(name),
            source: source.to_string_lossy().into_owned(),
            anonymous,
            ..mount
        }
    }
}

/// A folder in a volume, whose contents are a container's: no link may lead out of it.
fn beneath(volume: &std::path::Path, subpath: &str) -> Result<PathBuf> {
    use engine::os::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let wrong = || format!("opening `{subpath}` in volume {}", volume.display());
    let root = openat(CWD, volume, flags, Mode::empty()).with_context(wrong)?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    openat2(&root, subpath, flags, Mode::empty(), resolve).with_context(wrong)?;
    Ok(volume.join(subpath))
}

fn as_point(mount: &MountPoint) -> mounts::MountPoint {
    let kind = match mount.kind {
        MountKind::Bind => mounts::MountKind::Bind,
        MountKind::Volume => mounts::MountKind::Volume,
        MountKind::Npipe => mounts::MountKind::NamedPipe,
    };
    mounts::MountPoint {
        kind,
        name: mount.name.clone().unwrap_or_default(),
        source: if mount.name.is_some() { String::new() } else { mount.source.clone() },
        writable: mount.writable,
        ..mounts::MountPoint::anonymous(&mount.destination, "")
    }
}
