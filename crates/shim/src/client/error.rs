//! What goes wrong between a client and its shim.

use ttrpc::Code;

/// A call that failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to {op}")]
pub struct ClientError {
    /// What was being done.
    pub op: &'static str,
    /// Why it failed.
    #[source]
    pub kind: Failure,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The shim answered with an error.
    #[error("{message}")]
    Refused {
        /// Its class.
        code: Code,
        /// Its words.
        message: String,
    },
    /// The shim is not there, or went away.
    #[error("the shim does not answer: {0}")]
    Lost(String),
    /// The shim could not be started; the text is what it printed.
    #[error("{0}")]
    Start(String),
    /// The shim's program could not be run.
    #[error("cannot run `{program}`")]
    Program {
        /// Its path.
        program: String,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// An answer that makes no sense.
    #[error("{0}")]
    Answer(String),
}

impl ClientError {
    pub(crate) fn new(op: &'static str, kind: Failure) -> Self {
        Self { op, kind }
    }

    /// The shim said that there is no such task or process, or that it has ended.
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(Code::NOT_FOUND)
    }

    /// The shim is gone: it was killed, or has shut down.
    pub fn is_lost(&self) -> bool {
        matches!(self.kind, Failure::Lost(_))
    }

    /// The error's class, when the shim answered.
    pub fn code(&self) -> Option<Code> {
        match self.kind {
            Failure::Refused { code, .. } => Some(code),
            Failure::Lost(_) | Failure::Start(_) | Failure::Program { .. } | Failure::Answer(_) => {
                None
            }
        }
    }
}

impl From<ttrpc::Error> for Failure {
    fn from(error: ttrpc::Error) -> Self {
        match error {
            ttrpc::Error::RpcStatus(status) => {
                Self::Refused { code: status.code(), message: status.message }
            }
            other => Self::Lost(other.to_string()),
        }
    }
}
