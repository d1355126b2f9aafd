//! Repositories, by the host's `git`: one commit, without its history where the server allows that.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::{FetchError, Result, at};

/// How repositories are reached, also those that others name as a part of them: never as files of
/// this host, which are nobody's to give away but its user's.
const PROTOCOLS: &str = "http:https:ssh:git";

/// A repository, what of it is wanted, and the folder in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// As `git` takes it.
    pub url: String,
    /// A branch, a tag or a commit; the default branch when empty.
    pub reference: String,
    /// A folder in it, slashes; empty is all of it.
    pub folder: String,
}

impl Repository {
    /// `git@HOST:PATH`, `git://…`, `ssh://…` and `https://….git`, each with `#REFERENCE:FOLDER`.
    pub fn parse(text: &str) -> Option<Self> {
        let (url, fragment) = text.split_once('#').unwrap_or((text, ""));
        let by_name = url.starts_with("git@") && url.contains(':');
        let by_scheme = ["git://", "ssh://"].iter().any(|scheme| url.starts_with(scheme));
        let by_end = ["http://", "https://", "file://"].iter().any(|s| url.starts_with(s))
            && url.trim_end_matches('/').strip_suffix(".git").is_some();
        if !(by_name || by_scheme || by_end) {
            return None;
        }
        let (reference, folder) = fragment.split_once(':').unwrap_or((fragment, ""));
        Some(Self { url: url.into(), reference: reference.into(), folder: folder.into() })
    }

    /// Puts the commit's files into an empty folder, and gives its name. `.git` stays if `keep`.
    pub async fn checkout(&self, into: &Path, keep: bool) -> Result<String> {
        if self.url.starts_with('-') || self.reference.starts_with('-') {
            return Err(FetchError::Dash(self.url.clone()));
        }
        if self.url.starts_with("file:") {
            return Err(FetchError::OfThisHost(self.url.clone()));
        }
        self.git(into, &["init", "--quiet"]).await?;
        let wanted = if self.reference.is_empty() { "HEAD" } else { &self.reference };
        let one = ["fetch", "--quiet", "--depth=1", "--", &self.url, wanted];
        let head = if self.git(into, &one).await.is_ok() {
            "FETCH_HEAD".to_owned()
        } else {
            // Not every server gives a commit that no name stands for.
            let all = ["fetch", "--quiet", "--tags", "--", &self.url, "+refs/*:refs/all/*"];
            self.git(into, &all).await?;
            let commit = format!("{wanted}^{{commit}}");
            let found = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
            self.git(into, &found).await?
        };
        self.git(into, &["checkout", "--quiet", "--detach", &head]).await?;
        if into.join(".gitmodules").exists() {
            let modules = ["submodule", "--quiet", "update", "--init", "--recursive", "--depth=1"];
            self.git(into, &modules).await?;
        }
        let commit = self.git(into, &["rev-parse", "HEAD"]).await?;
        if !keep {
            remove_git(into)?;
        }
        Ok(commit)
    }

    /// What `git` says.
    async fn git(&self, folder: &Path, arguments: &[&str]) -> Result<String> {
        let output = Command::new("git")
            .args(["-c", "core.autocrlf=false", "-c", "advice.detachedHead=false"])
            .args(["-c", "init.defaultBranch=main"])
            // A server that says nothing any more is not waited for, by nobody's leftovers either.
            .args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=120"])
            .args(arguments)
            .current_dir(folder)
            // The repository is this folder, whatever the caller is in.
            .env("GIT_DIR", folder.join(".git"))
            .env("GIT_WORK_TREE", folder)
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", PROTOCOLS)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| FetchError::NoGit(self.url.clone(), error))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        Err(FetchError::Git {
            repository: self.url.clone(),
            step: arguments[0].to_owned(),
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}

/// Of submodules it is a file.
fn remove_git(folder: &Path) -> Result<()> {
    let mut left: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(&folder).map_err(at(&folder))? {
            let entry = entry.map_err(at(&folder))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(at(&folder))?);
            match (entry.file_name() == ".git", kind.is_dir()) {
                (true, true) => std::fs::remove_dir_all(&path).map_err(at(&path))?,
                (true, false) => std::fs::remove_file(&path).map_err(at(&path))?,
                (false, true) => left.push(path),
                (false, false) => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_told_from_files_and_downloads() {
        let read = |text: &str| Repository::parse(text).map(|r| (r.url, r.reference, r.folder));
        let own = |a: &str, b: &str, c: &str| Some((a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(read("https://h/x.git"), own("https://h/x.git", "", ""));
        assert_eq!(read("https://h/x.git#v1:a/b"), own("https://h/x.git", "v1", "a/b"));
        assert_eq!(read("git@h:x#main"), own("git@h:x", "main", ""));
        assert_eq!(read("git://h/x#:sub"), own("git://h/x", "", "sub"));
        for text in ["https://h/x.tar.gz", "git@h", "x.git", "./a#b"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    /// A server of the repositories in a folder. Gone with the process of the tests.
    fn serve(folder: &Path) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let base = format!("--base-path={}", folder.display());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let socket = std::os::fd::OwnedFd::from(client);
                let mut daemon = std::process::Command::new("git");
                daemon.args(["daemon", "--inetd", "--export-all", &base]);
                daemon.stdin(socket.try_clone().unwrap()).stdout(socket).status().unwrap();
            }
        });
        format!("git://{address}")
    }

    fn git(folder: &Path, arguments: &[&str]) -> String {
        let mut command = std::process::Command::new("git");
        command.current_dir(folder).args(["-c", "user.name=a", "-c", "user.email=b"]);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    #[tokio::test]
    async fn a_branch_a_tag_and_a_commit_are_checked_out() {
        let dir = tempfile::tempdir().unwrap();
        let origin = dir.path().join("origin.git");
        std::fs::create_dir(&origin).unwrap();
        git(&origin, &["init", "--quiet", "--initial-branch=main"]);
        let mut commits = Vec::new();
        for text in ["one", "two"] {
            std::fs::write(origin.join("file"), text).unwrap();
            git(&origin, &["add", "file"]);
            git(&origin, &["commit", "--quiet", "-m", text]);
            commits.push(git(&origin, &["rev-parse", "HEAD"]));
        }
        git(&origin, &["tag", "first", &commits[0]]);
        let url = format!("{}/origin.git", serve(dir.path()));
        let cases = [("", "two"), ("main", "two"), ("first", "one"), (&commits[0], "one")];
        for (at, (reference, wanted)) in cases.into_iter().enumerate() {
            let into = dir.path().join(at.to_string());
            std::fs::create_dir(&into).unwrap();
            let repository = Repository::parse(&format!("{url}#{reference}")).unwrap();
            let commit = repository.checkout(&into, at == 1).await.unwrap();
            assert!(commits.contains(&commit), "{commit}");
            assert_eq!(std::fs::read_to_string(into.join("file")).unwrap(), wanted);
            assert_eq!(into.join(".git").exists(), at == 1);
        }
        let missing = Repository::parse(&format!("{url}#nope")).unwrap();
        let into = dir.path().join("none");
        std::fs::create_dir(&into).unwrap();
        assert!(missing.checkout(&into, false).await.is_err());
        let dash = Repository::parse(&format!("{url}#--upload-pack=x")).unwrap();
        assert!(matches!(dash.checkout(&into, false).await, Err(FetchError::Dash(_))));
    }

    #[tokio::test]
    async fn files_of_this_host_are_no_repository_and_no_part_of_one() {
        let dir = tempfile::tempdir().unwrap();
        let (own, origin) = (dir.path().join("own.git"), dir.path().join("origin.git"));
        for folder in [&own, &origin] {
            std::fs::create_dir(folder).unwrap();
            git(folder, &["init", "--quiet", "--initial-branch=main"]);
            git(folder, &["commit", "--quiet", "--allow-empty", "-m", "one"]);
        }
        let url = format!("file://{}", own.display());
        let into = dir.path().join("into");
        std::fs::create_dir(&into).unwrap();
        let repository = Repository::parse(&url).unwrap();
        let error = repository.checkout(&into, false).await.unwrap_err();
        assert!(matches!(error, FetchError::OfThisHost(_)), "{error}");

        let allowed = ["-c", "protocol.file.allow=always"];
        git(&origin, &[&allowed[..], &["submodule", "--quiet", "add", &url, "part"]].concat());
        git(&origin, &["commit", "--quiet", "-m", "two"]);
        let url = format!("{}/origin.git", serve(dir.path()));
        let error = Repository::parse(&url).unwrap().checkout(&into, false).await.unwrap_err();
        assert!(error.to_string().contains("transport 'file' not allowed"), "{error}");
    }
}
