//! What a build is given: a context (a folder, an archive on stdin, a repository, a download), the
//! Dockerfile in it or beside it, and contexts by name.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use build::NamedContext;
use build::fetch::{self, Downloads, Repository};
use build::ignore::Ignore;
use build::workplace::{Workplace, Workplaces};

use crate::cli::build::Build;

const STDIN: &str = "-";

/// Where contexts that are no folders are put.
pub(super) struct Places {
    work: Workplaces,
    downloads: Downloads,
}

/// A context and its Dockerfile.
pub(super) struct Given {
    pub(super) folder: PathBuf,
    pub(super) ignore: Ignore,
    pub(super) dockerfile: String,
    /// What the Dockerfile is called, for people.
    pub(super) shown: PathBuf,
    pub(super) contexts: BTreeMap<String, NamedContext>,
    /// Folders that go with this value.
    _held: Vec<Workplace>,
}

/// A context that was not a folder, or a Dockerfile that came in its place.
enum Fetched {
    Folder(PathBuf),
    Dockerfile(String),
}

impl Places {
    pub(super) fn new(root: &Path) -> Self {
        let build = root.join("build");
        Self { work: Workplaces::new(build.join("run")), downloads: Downloads::below(root) }
    }

    /// Gets everything that the flags name.
    pub(super) async fn open(&self, args: &Build) -> Result<Given> {
        let mut held = Vec::new();
        let from_stdin = args.file.as_deref() == Some(STDIN);
        if from_stdin && args.path == STDIN {
            bail!("invalid argument: can't use stdin for both build context and dockerfile");
        }
        let own = Path::new(&args.path);
        let fetched = if args.path == STDIN {
            self.stdin(&mut held).await?
        } else if fetch::is_remote(&args.path) {
            self.remote(&args.path, &mut held).await?
        } else if own.is_dir() {
            Fetched::Folder(own.to_owned())
        } else {
            bail!("the context {} is not a folder", own.display());
        };
        let is_own = held.is_empty();
        let (folder, given) = match fetched {
            Fetched::Folder(folder) => (folder, None),
            Fetched::Dockerfile(text) => (self.empty(&mut held)?, Some(text)),
        };
        let (dockerfile, shown) = match given {
            Some(text) => (text, PathBuf::from("Dockerfile")),
            None if from_stdin => (read_stdin().await?, PathBuf::from("Dockerfile")),
            None if is_own => of_folder(&folder, args.file.as_deref())?,
            None => inside(&folder, args.file.as_deref())?,
        };
        let ignore = ignore(&folder, &shown)?;
        let contexts = self.named(&args.build_context, &mut held).await?;
        Ok(Given { folder, ignore, dockerfile, shown, contexts, _held: held })
    }

    fn empty(&self, held: &mut Vec<Workplace>) -> Result<PathBuf> {
        let place = self.work.take().context("making a folder for the context")?;
        let folder = place.path();
        held.push(place);
        Ok(folder)
    }

    async fn stdin(&self, held: &mut Vec<Workplace>) -> Result<Fetched> {
        let place = self.empty(held)?;
        let file = place.with_file_name("stdin");
        let copy = file.clone();
        blocking(move || io::copy(&mut io::stdin().lock(), &mut fs::File::create(copy)?))
            .await
            .context("reading the context from stdin")?;
        unpacked(&file, place).await
    }

    async fn remote(&self, url: &str, held: &mut Vec<Workplace>) -> Result<Fetched> {
        let place = self.empty(held)?;
        let Some(repository) = Repository::parse(url) else {
            let download = self.downloads.get(url, None).await?;
            return unpacked(&download.file, place).await;
        };
        repository.checkout(&place, false).await?;
        let below = build::folder_in(&place, &repository.folder)?;
        let folder = below.with_context(|| {
            format!("{}: there is no folder {}", repository.url, repository.folder)
        })?;
        Ok(Fetched::Folder(folder))
    }

    /// `NAME=FOLDER`, `NAME=docker-image://IMAGE`, or something to fetch.
    async fn named(
        &self,
        given: &[String],
        held: &mut Vec<Workplace>,
    ) -> Result<BTreeMap<String, NamedContext>> {
        let mut contexts = BTreeMap::new();
        for text in given {
            let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty())
            else {
                bail!("invalid context value: {text}, expected key=value");
            };
            let Some(name) = for_platform(name) else { continue };
            let context = self.one(value, held).await;
            let context = context.with_context(|| format!("reading --build-context {text}"))?;
            contexts.insert(build::context_key(name), context);
        }
        Ok(contexts)
    }

    async fn one(&self, value: &str, held: &mut Vec<Workplace>) -> Result<NamedContext> {
        if let Some(image) = value.strip_prefix("docker-image://") {
            image::ImageName::parse(image)?;
            return Ok(NamedContext::Image(image.to_owned()));
        }
        if let Some(layout) = value.strip_prefix("oci-layout://") {
            let layout = image::Layout::parse(layout)?;
            if !layout.folder.is_dir() {
                bail!("{} is not a folder", layout.folder.display());
            }
            return Ok(NamedContext::Layout(layout));
        }
        refuse(value)?;
        let folder = if fetch::is_remote(value) {
            match self.remote(value, held).await? {
                Fetched::Folder(folder) => folder,
                Fetched::Dockerfile(_) => bail!("it is no archive"),
            }
        } else if Path::new(value).is_dir() {
            PathBuf::from(value)
        } else {
            bail!("{value} is not a folder");
        };
        let ignore = read_ignore(&folder.join(".dockerignore"))?.unwrap_or_default();
        Ok(NamedContext::Folder(folder, ignore))
    }
}

/// The name of a context, if it is for the platform that is built: `NAME::PLATFORM`, or any.
fn for_platform(name: &str) -> Option<&str> {
    match name.split_once("::") {
        None => Some(name),
        Some((name, platform)) => matches!(platform, "windows" | "windows/amd64").then_some(name),
    }
}

/// What bake has, or nobody.
fn refuse(value: &str) -> Result<()> {
    for scheme in ["target:", "input:"] {
        if value.starts_with(scheme) {
            bail!("{scheme} is bake's, which builds several targets: name a folder or an image");
        }
    }
    match value.split_once("://") {
        Some((scheme, _)) if !fetch::is_remote(value) => bail!(
            "{scheme}:// is not supported: a folder, docker-image://, oci-layout://, a web address \
             or a repository is wanted"
        ),
        _ => Ok(()),
    }
}

/// An archive is a context; anything else is taken for a Dockerfile.
async fn unpacked(file: &Path, into: PathBuf) -> Result<Fetched> {
    let file = file.to_owned();
    blocking(move || {
        if fetch::is_archive(&file)? {
            fetch::unpack(fs::File::open(&file)?, &file, &into)?;
            return Ok(Fetched::Folder(into));
        }
        let text =
            fs::read_to_string(&file).context("the context is neither an archive nor text")?;
        Ok(Fetched::Dockerfile(text))
    })
    .await
}

async fn read_stdin() -> Result<String> {
    let text = blocking(|| {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_| text)
    });
    text.await.context("reading the Dockerfile from stdin")
}

/// A Dockerfile of this host, or the one in a folder of this host.
fn of_folder(folder: &Path, file: Option<&str>) -> Result<(String, PathBuf)> {
    let path = file.map_or_else(
        || {
            let names = ["Dockerfile", "dockerfile"].map(|name| folder.join(name));
            let there = names.iter().find(|path| path.is_file()).unwrap_or(&names[0]);
            there.clone()
        },
        PathBuf::from,
    );
    let text = fs::read_to_string(&path)
        .with_context(|| format!("failed to read dockerfile: open {}", path.display()))?;
    Ok((text, path))
}

/// A Dockerfile in a context that came from elsewhere, out of which no link leads.
fn inside(folder: &Path, file: Option<&str>) -> Result<(String, PathBuf)> {
    let names = file.map_or(vec!["Dockerfile", "dockerfile"], |name| vec![name]);
    for name in &names {
        if let Some(path) = build::file_in(folder, name)? {
            let text = fs::read_to_string(&path).with_context(|| format!("reading {name}"))?;
            return Ok((text, folder.join(name)));
        }
    }
    bail!("failed to read dockerfile: the context has no {}", names[0])
}

/// The Dockerfile's own ignore file, or the context's.
fn ignore(context: &Path, file: &Path) -> Result<Ignore> {
    let mut own = file.as_os_str().to_owned();
    own.push(".dockerignore");
    for path in [PathBuf::from(own), context.join(".dockerignore")] {
        if let Some(ignore) = read_ignore(&path)? {
            return Ok(ignore);
        }
    }
    Ok(Ignore::default())
}

fn read_ignore(path: &Path) -> Result<Option<Ignore>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(Ignore::parse(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
