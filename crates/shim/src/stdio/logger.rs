//! `binary://<program>?<key>=<value>`: a program takes the output in the place of pipes.
//!
//! It is started as containerd starts loggers on this OS, and has to say that it is ready.

use std::path::PathBuf;
use std::time::Duration;

use engine::pipes::Logger;

use super::StdioError;
use super::address::{decode, decode_query};

/// How long a logger may take to be ready, and to end.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A logger's program and arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binary {
    program: PathBuf,
    args: Vec<String>,
    name: String,
}

impl Binary {
    /// Reads the name of a stream; `None` when it names no logger.
    pub(super) fn parse(name: &str) -> Result<Option<Self>, StdioError> {
        let Some(rest) = name.strip_prefix("binary://") else { return Ok(None) };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = decode(path);
        if path.is_empty() {
            return Err(StdioError::Logger("no logging driver path provided".to_owned()));
        }
        let program = engine::pipes::logger_path(&path)
            .ok_or_else(|| StdioError::Logger(format!("`{path}`: path is unsafe")))?;
        let mut args = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            args.push(decode_query(key));
            if !value.is_empty() {
                args.push(decode_query(value));
            }
        }
        Ok(Some(Self { program, args, name: name.to_owned() }))
    }

    pub(super) fn name(&self) -> String {
        self.name.clone()
    }
}

/// Starts it and waits until it is ready.
pub(super) async fn start(
    binary: &Binary,
    namespace: &str,
    id: &str,
) -> Result<Logger, StdioError> {
    let failed = |error: std::io::Error| StdioError::Logger(error.to_string());
    let env = [("CONTAINER_ID", id), ("CONTAINER_NAMESPACE", namespace)];
    let mut logger = Logger::spawn(&binary.program, &binary.args, env).map_err(failed)?;
    match tokio::time::timeout(PATIENCE, logger.ready()).await {
        Ok(ready) => ready.map_err(failed)?,
        Err(_) => return Err(StdioError::Logger("timeout".to_owned())),
    }
    Ok(logger)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// hcsshim's `internal/cmd`: logger path and arguments, unsafe path, empty path, flags.
    #[test]
    fn a_loggers_arguments_stand_in_the_order_of_the_address() {
        let binary = Binary::parse("binary:///bin/log?-key=a%20b&flag&x=1").unwrap().unwrap();
        assert_eq!(binary.program, PathBuf::from("/bin/log"));
        assert_eq!(binary.args, ["-key", "a b", "flag", "x", "1"]);
        let binary = Binary::parse("binary:///opt/c++/log?to=a+b").unwrap().unwrap();
        assert_eq!(binary.program, PathBuf::from("/opt/c++/log"));
        assert_eq!(binary.args, ["to", "a b"]);
        assert_eq!(Binary::parse("/run/pipe").unwrap(), None);
        assert!(Binary::parse("binary://").is_err());
        assert!(Binary::parse("binary:////server/share").is_err());
        assert!(Binary::parse("binary://relative/path").is_err());
    }

    #[tokio::test]
    async fn a_logger_that_ends_at_once_fails_the_start() {
        let binary = Binary::parse("binary:///bin/false").unwrap().unwrap();
        let refused = start(&binary, "ns", "c").await.err().unwrap();
        assert!(refused.to_string().starts_with("failed to start binary logger: "), "{refused}");
    }
}
