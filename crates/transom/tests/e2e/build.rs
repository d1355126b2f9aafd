//! Builds from outside: Dockerfiles with `RUN`, stages, registry changes, the cache, and failures.
//!
//! Where `BuildKit` has a test of the same, its name stands at the test; those of its executor are in
//! `executor`, of its exporters in `outputs`, of its parser and paths in `crates/build`. There is
//! nothing here for those of what Transom does not have: containers of frontends and errors that name
//! their references (`Gateway...`), sessions, a history of builds (`HistoryError`), several platforms
//! in a build (`CacheMultiPlatformImportExport`, `BaseImagePlatformMismatch`), contexts that are bake's
//! (`NamedInputContext`), images whose layers are elsewhere (`LazyImagePush`), a volume of NTFS to
//! mount (its root's folders, the local mounter) and graphs without a Dockerfile
//! (`FrontendEvaluate`, `FileOpInputSwap`). Of a link Wine deletes what it leads to (`RmSymlink`).

mod add;
mod arguments;
mod check;
mod complaints;
mod config;
mod contexts;
mod copies;
mod failures;
mod flags;
mod kept;
mod lent;
mod mounts;
mod network;
mod promises;
mod registry;
mod renamed;
mod reproducible;
mod schema;
mod stages;
mod wild;

use std::path::Path;

use crate::support::command::Transom;
use crate::support::host::{self, Host};

/// A folder with a Dockerfile in it.
struct Context(tempfile::TempDir);

impl Context {
    fn new(dockerfile: &str) -> Self {
        let context = Self(tempfile::tempdir().expect("a temporary folder"));
        context.file("Dockerfile", dockerfile);
        context
    }

    /// Writes a file.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.0.path().join(name);
        let folder = path.parent().expect("it is below the context");
        std::fs::create_dir_all(folder).expect("a folder can be made");
        std::fs::write(path, content).expect("a file can be written");
        self
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("a path in UTF-8").to_owned()
    }
}

/// `transom build FLAGS CONTEXT`, without a network.
fn build(host: &Host, context: &Context, flags: &[&str]) -> Transom {
    let line = ["build", "--progress", "plain", "--network", "none"];
    host.transom(&line).args(flags).arg(context.0.path())
}

/// What the steps of a build said, line by line. Their names, in which stands what they were told to
/// say, are left out.
fn spoken(said: &str) -> Vec<&str> {
    let line = |line: &'_ str| -> Option<usize> {
        let (number, rest) = line.strip_prefix('#')?.split_once(' ')?;
        let (time, text) = rest.split_once(' ')?;
        let is_time = number.parse::<usize>().is_ok() && time.parse::<f64>().is_ok();
        is_time.then(|| line.len() - text.len())
    };
    said.lines().filter_map(|all| line(all).map(|at| all[at..].trim())).collect()
}

/// Whether a step said this line.
fn spoke(said: &str, line: &str) -> bool {
    spoken(said).contains(&line)
}

fn write(folder: &Path, dockerfile: &str) {
    std::fs::write(folder.join("Dockerfile"), dockerfile).expect("a file can be written");
}

#[test]
fn what_run_changes_of_files_and_registry_is_in_later_stages_and_in_the_saved_image() {
    let host = host::shared();
    let context = tempfile::tempdir().expect("a temporary folder");
    write(
        context.path(),
        r"# escape=`
FROM transom/base AS one
ARG WHO=world
WORKDIR C:\app
RUN echo hello %WHO%>hello.txt
RUN reg add HKLM\Software\Acme /v Flag /d 42 /f && reg add HKCU\Software\Own /v Mine /d 43 /f
FROM one AS two
RUN reg query HKLM\Software\Acme && type C:\app\hello.txt
FROM mcr.microsoft.com/windows/nanoserver:ltsc2022
COPY --from=two app\hello.txt C:\out\
CMD type C:\out\hello.txt
",
    );
    let path = context.path().to_str().expect("a path in UTF-8");
    let build = ["build", "--network", "none", "--build-arg", "WHO=you", path, "-t"];
    host.transom(&[&build[..], &["test/built:1"]].concat()).succeed();
    assert_eq!(host.transom(&["run", "--rm", "test/built:1"]).succeed().text(), "hello you");

    let target = ["test/built:one", "--target", "two"];
    host.transom(&[&build[..], &target].concat()).succeed();
    let archive = context.path().join("one.tar");
    let archive = archive.to_str().expect("a path in UTF-8");
    host.transom(&["save", "-o", archive, "test/built:one"]).succeed();
    host.transom(&["rmi", "test/built:one"]).succeed();
    host.transom(&["load", "-i", archive]).succeed();
    let query = r"reg query HKLM\Software\Acme /v Flag & reg query HKCU\Software\Own /v Mine";
    let seen = host.transom(&["run", "--rm", "test/built:one", "cmd", "/c", query]).succeed();
    assert!(seen.text().contains("42") && seen.text().contains("43"), "{}", seen.text());
}

#[test]
fn the_same_again_is_cached_and_gives_the_same_image() {
    let host = host::shared();
    let context = tempfile::tempdir().expect("a temporary folder");
    write(context.path(), "FROM transom/base\nCOPY a b/\nRUN type b\\a\n");
    std::fs::write(context.path().join("a"), "one").expect("a file can be written");
    let path = context.path().to_str().expect("a path in UTF-8");
    let build = || host.transom(&["build", "-q", "--network", "none", path]).succeed();
    let (first, again) = (build().text(), build().text());
    assert_eq!(first, again);
    std::fs::write(context.path().join("a"), "two").expect("a file can be written");
    assert_ne!(build().text(), first);
}

/// `NoSnapshotLeak` and `CacheReleased` among it.
#[test]
fn no_image_shows_for_what_a_build_kept_and_its_cache_can_be_pruned() {
    let host = host::Host::new("cache");
    let context = tempfile::tempdir().expect("a temporary folder");
    let dockerfile = "FROM transom/base AS a\nRUN echo one> C:\\1\nFROM transom/base AS b\n\
        RUN echo two> C:\\2\nFROM transom/base\nCOPY --from=a 1 C:/\nCOPY --from=b 2 C:/\n";
    write(context.path(), dockerfile);
    let path = context.path().to_str().expect("a path in UTF-8");
    let build = || host.transom(&["build", "--network", "none", "-t", "kept", path]).succeed();
    build();
    let images = || host.transom(&["images", "-q"]).succeed().lines().len();
    assert_eq!(images(), 2, "the base and what was built");
    let kept = || host.transom(&["builder", "du"]).succeed().text();
    let total = || kept().split_once("Total:").expect("a sum").1.to_owned();
    let before = total();
    assert!(kept().contains("Reclaimable:") && !kept().contains("Total:\t\t0B"), "{}", kept());
    host.transom(&["image", "prune", "-f"]).succeed();
    let again = build().errors();
    assert_eq!(again.matches("CACHED").count(), 4, "{again}");
    assert_eq!(total(), before);
    host.transom(&["builder", "prune", "-f", "--keep-storage", "1g"]).succeed();
    assert_eq!(build().errors().matches("CACHED").count(), 4);
    // The image holds the last two.
    host.transom(&["buildx", "prune", "-f"]).succeed();
    assert_eq!(build().errors().matches("CACHED").count(), 2);
    host.transom(&["builder", "prune", "-a", "-f"]).succeed();
    assert!(kept().contains("Total:\t\t0B"), "{}", kept());
    assert_eq!(
        host.transom(&["run", "--rm", "kept", "cmd", "/c", "type 1"]).succeed().text(),
        "one"
    );
}
