//! `ADD`: as `COPY`, and what is elsewhere is fetched, and archives are unpacked.

use std::fs::File;
use std::path::{Path, PathBuf};

use engine::Engine;
use resources::Host;

use super::copy::{fault_of, heredocs};
use super::layers::{Files, Work};
use super::stages::Stages;
use super::state::State;
use crate::dockerfile::{Copy, Fault, Step};
use crate::error::Cause;
use crate::fetch::{self, FetchError, Repository};
use crate::files::{CopyError, Filter, Kept, Selection};
use crate::ignore::Ignore;
use crate::paths;
use crate::view::View;
use crate::workplace::Workplace;

type Result<T> = std::result::Result<T, Cause>;

impl<E: Engine, H: Host> Stages<'_, E, H> {
    pub(super) async fn add(
        &self,
        state: &State,
        at: usize,
        copy: &Copy,
        step: &Step,
    ) -> Result<(Work, String)> {
        let word = |text: &String| self.word(state, text, step.line).map_err(fault_of);
        let sources = copy.sources.iter().map(word).collect::<Result<Vec<_>>>()?;
        let checksum = copy.checksum.as_ref().map(word).transpose()?;
        check(&sources, copy).map_err(|rule| Fault::new(step.line, rule))?;
        let mut files = self.destination(state, copy, step).await?;
        let exclude = self.exclude(state, copy, step)?;
        for source in &sources {
            if let Some(repository) = Repository::parse(source) {
                let kept = copy.keep_git_dir;
                self.repository(&mut files, &repository, checksum.as_deref(), kept, &exclude)
                    .await?;
            } else if fetch::is_http(source) {
                let unpack = copy.unpack == Some(true);
                self.download(&mut files, source, checksum.as_deref(), unpack).await?;
            } else {
                let origin = self.origin(at, None, step.line).await?;
                let filter = Filter { hidden: origin.hidden, exclude: exclude.clone() };
                let unpack = copy.unpack != Some(false);
                let local = (origin.view, paths::source(source)?, filter);
                self.local(&mut files, local, unpack).await?;
            }
        }
        heredocs(state, copy, step, &mut files.selection)?;
        Ok((Work::Files(files), format!("{} # buildkit", step.text)))
    }

    async fn repository(
        &self,
        files: &mut Files,
        repository: &Repository,
        checksum: Option<&str>,
        keep: bool,
        exclude: &Ignore,
    ) -> Result<()> {
        let place = self.builder.places().take()?;
        let folder = place.path();
        let commit = self.unless_stopped(repository.checkout(&folder, keep)).await??;
        if let Some(wanted) = checksum.filter(|wanted| !commit.starts_with(*wanted)) {
            return Err(FetchError::Digest { got: commit, wanted: wanted.to_owned() }.into());
        }
        let folder = paths::source(&repository.folder)?;
        let filter = Filter { exclude: exclude.clone(), ..Filter::default() };
        let mut selection = whole(&place.path(), &folder, &filter)?;
        if keep {
            // Git notes times there, and packs the same commit in another way each time.
            selection.tell(".git", &format!("{} {commit} {exclude:?}", repository.url));
        }
        files.selection.append(selection);
        files.held.push(place);
        Ok(())
    }

    async fn download(
        &self,
        files: &mut Files,
        url: &str,
        checksum: Option<&str>,
        unpack: bool,
    ) -> Result<()> {
        let downloads = self.builder.downloads();
        let download = self.unless_stopped(downloads.get(url, checksum)).await??;
        if unpack && fetch::is_archive(&download.file)? {
            return self.unpacked_into(files, vec![download.file]).await;
        }
        files.selection.file(&download.name, &download.file);
        Ok(())
    }

    async fn local(
        &self,
        files: &mut Files,
        (view, pattern, filter): (View, String, Filter),
        unpack: bool,
    ) -> Result<()> {
        let (selection, archives) = crate::blocking(move || {
            let mut selection = Selection::default();
            selection.source(&view, &pattern, &filter, Kept::Name)?;
            let wanted = |path: &Path| if unpack { fetch::is_archive(path) } else { Ok(false) };
            let archives = selection.take_files(wanted)?;
            Ok::<_, Cause>((selection, archives))
        })
        .await?;
        files.selection.append(selection);
        self.unpacked_into(files, archives).await
    }

    async fn unpacked_into(&self, files: &mut Files, archives: Vec<PathBuf>) -> Result<()> {
        for archive in archives {
            let place = self.builder.places().take()?;
            let (place, selection) = crate::blocking(move || unpack(&archive, place)).await?;
            files.selection.append(selection);
            files.held.push(place);
        }
        Ok(())
    }
}

fn unpack(archive: &Path, place: Workplace) -> Result<(Workplace, Selection)> {
    fetch::unpack(File::open(archive)?, archive, &place.path())?;
    let selection = whole(&place.path(), "/", &Filter::default())?;
    Ok((place, selection))
}

/// All that is in a folder.
fn whole(folder: &Path, below: &str, filter: &Filter) -> std::result::Result<Selection, CopyError> {
    let mut selection = Selection::into_directory(true);
    selection.source(&View::folder(folder), below, filter, Kept::Name)?;
    Ok(selection)
}

/// Refuses flags where they mean nothing.
fn check(sources: &[String], copy: &Copy) -> std::result::Result<(), String> {
    let remote = sources.iter().filter(|source| fetch::is_remote(source)).count();
    let any_git = sources.iter().any(|source| Repository::parse(source).is_some());
    if copy.checksum.is_some() && sources.len() != 1 {
        return Err("checksum can't be specified for multiple sources".to_owned());
    }
    if copy.checksum.is_some() && remote == 0 {
        return Err("checksum can't be specified for non-HTTP(S) & non-Git sources".to_owned());
    }
    if copy.keep_git_dir && !any_git {
        return Err("--keep-git-dir can only be specified for git sources".to_owned());
    }
    Ok(())
}
