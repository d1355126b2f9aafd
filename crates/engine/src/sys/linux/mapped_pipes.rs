//! Which socket of this host stands for a pipe inside.
//!
//! A document names a host path for each pipe: a Unix socket that answers it, a Windows pipe, or a
//! folder. For a Windows pipe the administrator says which socket stands for it
//! ([`super::administrator`]). In a folder a socket with the pipe's name is made, by which the
//! host reaches a pipe that a program inside serves.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use schema::container::MappedPipe;

use super::administrator::Decisions;
use super::plan::{PipePlan, PipeServer};
use super::validate::{absolute, invalid, unsupported};
use crate::error::ErrorKind;
use crate::host::HostConfig;

const HOST: &str = "Container.MappedPipes.HostPath";
const NAME: &str = "Container.MappedPipes.ContainerPipeName";
const PIPE: &str = r"\\.\pipe\";

/// Windows takes 256 characters, the prefix included.
const LONGEST_NAME: usize = 256 - PIPE.len();

/// Decides every pipe of a document.
pub(crate) fn decide(
    asked: &[MappedPipe],
    config: &HostConfig,
) -> Result<Vec<PipePlan>, ErrorKind> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let sockets = Decisions::read(&config.root)?.pipes;
    let mut decided: Vec<PipePlan> = Vec::with_capacity(asked.len());
    for pipe in asked {
        let one = decide_one(pipe, &sockets)?;
        if decided.iter().any(|other| other.name.eq_ignore_ascii_case(&one.name)) {
            return Err(invalid(NAME, one.name, "two pipes have this name"));
        }
        decided.push(one);
    }
    Ok(decided)
}

fn decide_one(
    asked: &MappedPipe,
    sockets: &BTreeMap<String, PathBuf>,
) -> Result<PipePlan, ErrorKind> {
    if !matches!(asked.host_path_type.as_str(), "" | "AbsolutePath") {
        let why = "only absolute paths of this host can be mapped";
        return Err(unsupported("Container.MappedPipes.HostPathType", why));
    }
    let name = &asked.container_pipe_name;
    let bad = |c: char| c.is_control() || c == '/';
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains(bad) {
        let rule = "1 to 247 characters, without control characters and `/`";
        return Err(invalid(NAME, name.clone(), rule));
    }
    if Path::new(&asked.host_path).is_dir() {
        let socket = absolute(HOST, &asked.host_path)?.join(name);
        if matches!(name.as_str(), "." | "..") {
            return Err(invalid(NAME, name.clone(), "it is to be the name of a socket"));
        }
        return Ok(PipePlan { name: name.clone(), socket, server: PipeServer::Inside });
    }
    let socket = if asked.host_path.starts_with(PIPE) {
        sockets.get(&asked.host_path.to_lowercase()).cloned().ok_or_else(|| {
            let rule = "no socket stands for this pipe: name one under `pipes` in \
                        /etc/transom/config.json, or map the socket itself";
            invalid(HOST, asked.host_path.clone(), rule)
        })?
    } else {
        absolute(HOST, &asked.host_path)?
    };
    let is_socket = fs::metadata(&socket).is_ok_and(|about| about.file_type().is_socket());
    if !is_socket {
        let value = socket.display().to_string();
        return Err(invalid(HOST, value, "there is no Unix socket there"));
    }
    Ok(PipePlan { name: name.clone(), socket, server: PipeServer::Host })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(root: &Path, host_path: &str, name: &str) -> Result<Vec<PipePlan>, ErrorKind> {
        let config = HostConfig { root: root.into(), state: root.into(), libexec: root.into() };
        let pipe = MappedPipe {
            container_pipe_name: name.into(),
            host_path: host_path.into(),
            host_path_type: String::new(),
        };
        decide(&[pipe], &config)
    }

    #[test]
    fn a_windows_pipe_is_the_socket_that_the_administrator_names() {
        let root = tempfile::tempdir().unwrap();
        let socket = root.path().join("s.sock");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let text = serde_json::json!({"image_map": {}, "pipes": {r"\\.\pipe\Engine": socket}});
        fs::write(root.path().join("config.json"), text.to_string()).unwrap();
        let decided = ask(root.path(), r"\\.\pipe\engine", "engine").unwrap();
        let server = PipeServer::Host;
        assert_eq!(decided, [PipePlan { name: "engine".into(), socket, server }]);
    }

    #[test]
    fn a_pipe_that_nothing_stands_for_is_refused_with_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let error = ask(root.path(), r"\\.\pipe\other", "other").unwrap_err().to_string();
        assert!(error.contains(r"\\.\pipe\other") && error.contains("config.json"), "{error}");
    }

    #[test]
    fn what_is_no_socket_is_refused() {
        let root = tempfile::tempdir().unwrap();
        for (host_path, name) in [("relative", "x"), ("/dev/null", "x"), ("/not/there", "x")] {
            assert!(ask(root.path(), host_path, name).is_err(), "{host_path} was taken");
        }
    }

    #[test]
    fn in_a_folder_a_socket_of_the_pipes_name_is_made() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().display().to_string();
        let decided = ask(root.path(), &folder, "app").unwrap();
        let (socket, server) = (root.path().join("app"), PipeServer::Inside);
        assert_eq!(decided, [PipePlan { name: "app".into(), socket, server }]);
        assert!(ask(root.path(), &folder, "..").is_err());
    }

    #[test]
    fn a_name_that_windows_does_not_take_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let socket = root.path().join("s.sock");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let socket = socket.display().to_string();
        for name in ["", "a/b", "a\nb", &"x".repeat(248)] {
            assert!(ask(root.path(), &socket, name).is_err(), "{name:?} was taken");
        }
    }
}
