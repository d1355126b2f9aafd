//! What HCS returns, as what was wrong and how to mend it.
//!
//! The service writes its codes as `0xC037....`, the API's header as `0x8037....`: both are the same
//! here. Its error document says more than the code, and is told with it.

use std::io;

use schema::guest::Failure;
use serde::Deserialize;
use windows_sys::Win32::Foundation::{
    GCN_E_NETCOMPARTMENT_NOT_FOUND, HCN_E_ENDPOINT_ALREADY_ATTACHED,
    HCN_E_ENDPOINT_NAMESPACE_ALREADY_EXISTS, HCN_E_ENDPOINT_NOT_ATTACHED, HCN_E_ENDPOINT_NOT_FOUND,
    HCN_E_INVALID_JSON, HCN_E_NETWORK_ALREADY_EXISTS, HCN_E_NETWORK_NOT_FOUND,
    HCN_E_PORT_ALREADY_EXISTS, HCN_E_REQUEST_UNSUPPORTED,
};

use crate::error::ErrorKind;

/// The call goes on; its completion comes later.
pub(super) const PENDING: u32 = 0xC037_0103;

/// Whether a result is a failure. "Pending" is none.
pub(super) fn failed(result: u32) -> bool {
    result & 0x8000_0000 != 0 && result != PENDING
}

/// A call that failed.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    /// The function.
    pub(super) call: &'static str,
    /// An HRESULT.
    pub(super) result: u32,
    /// The error document, or nothing.
    pub(super) document: String,
}

/// The error document of HCS, or of the network service.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ResultError {
    error_message: String,
    /// The network service's word for it; a number in HCS' documents.
    error: serde_json::Value,
    error_events: Vec<ErrorEvent>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ErrorEvent {
    message: String,
}

impl Refusal {
    pub(super) fn new(call: &'static str, result: u32, document: String) -> Self {
        Self { call, result, document }
    }

    /// The Windows error in it, if it is one.
    pub(super) fn win32(&self) -> Option<u32> {
        (self.result & 0x1fff_0000 == 0x0007_0000).then_some(self.result & 0xffff)
    }

    /// What Windows says of it, the most particular last.
    fn words(&self) -> String {
        let told = serde_json::from_str::<ResultError>(&self.document).unwrap_or_default();
        let events = told.error_events.into_iter().map(|event| event.message);
        let network = told.error.as_str().unwrap_or_default().to_owned();
        let texts: Vec<String> = [told.error_message, network]
            .into_iter()
            .chain(events)
            .map(|text| text.trim().trim_end_matches('.').to_owned())
            .filter(|text| !text.is_empty())
            .collect();
        texts.join(": ")
    }

    fn with_words(&self, cause: &str) -> String {
        let Self { call, result, .. } = self;
        match self.words() {
            words if words.is_empty() => format!("{cause} ({call} returned {result:#010x})"),
            words => format!("{cause} ({call} returned {result:#010x}: {words})"),
        }
    }

    /// For a call that starts a process: a Windows error is the process' own.
    pub(super) fn of_spawn(self) -> ErrorKind {
        match self.win32() {
            Some(code @ (2 | 3 | 5 | 87 | 193 | 216 | 267 | 1326 | 1332)) => {
                let system = io::Error::from_raw_os_error(code.cast_signed());
                let message = match self.words() {
                    words if words.is_empty() => format!("cannot start it: {system}"),
                    words => format!("cannot start it: {words}"),
                };
                ErrorKind::Guest(Failure { code, message })
            }
            _ => self.into(),
        }
    }
}

/// A code without the difference between its two spellings.
fn plain(result: u32) -> u32 {
    if result & 0x1fff_0000 == 0x0037_0000 { result & 0x0000_ffff | 0x0037_0000 } else { result }
}

impl From<Refusal> for ErrorKind {
    fn from(refusal: Refusal) -> Self {
        if let Some(kind) = of_service(&refusal).or_else(|| of_network(&refusal)) {
            return kind;
        }
        match refusal.win32() {
            Some(code) => of_win32(&refusal, code),
            None => Self::io(
                refusal.with_words("the Host Compute Service refused"),
                io::Error::other(format!("{:#010x}", refusal.result)),
            ),
        }
    }
}

/// The network service's own codes.
fn of_network(refusal: &Refusal) -> Option<ErrorKind> {
    Some(match refusal.result.cast_signed() {
        HCN_E_NETWORK_NOT_FOUND => ErrorKind::NotFound("network"),
        HCN_E_ENDPOINT_NOT_FOUND | HCN_E_ENDPOINT_NOT_ATTACHED => ErrorKind::NotFound("endpoint"),
        GCN_E_NETCOMPARTMENT_NOT_FOUND => ErrorKind::NotFound("network namespace"),
        HCN_E_NETWORK_ALREADY_EXISTS
        | HCN_E_ENDPOINT_ALREADY_ATTACHED
        | HCN_E_ENDPOINT_NAMESPACE_ALREADY_EXISTS => ErrorKind::AlreadyExists,
        HCN_E_PORT_ALREADY_EXISTS => ErrorKind::io(
            "a port of the host is published already",
            io::Error::from(io::ErrorKind::AddrInUse),
        ),
        HCN_E_INVALID_JSON => ErrorKind::InvalidDocument {
            field: field_in(&refusal.words()),
            value: refusal.call.to_owned(),
            rule: refusal.with_words("Windows does not understand the document"),
        },
        HCN_E_REQUEST_UNSUPPORTED => unsupported(refusal, "this Windows cannot do it"),
        _ => return None,
    })
}

/// The service's own codes.
fn of_service(refusal: &Refusal) -> Option<ErrorKind> {
    let lacks = |cause: &str, mend: &str| ErrorKind::HostLacks {
        what: refusal.with_words(cause),
        mend: mend.to_owned(),
    };
    Some(match plain(refusal.result) {
        0x0037_010E => ErrorKind::NotFound("compute system"),
        0x0037_010F => ErrorKind::AlreadyExists,
        0x0037_0110 | 0x0037_011F => ErrorKind::AlreadyStopped,
        0x0037_0105 => ErrorKind::InvalidState { state: "in another state" },
        0x0037_010D => ErrorKind::InvalidDocument {
            field: field_in(&refusal.words()),
            value: refusal.call.to_owned(),
            rule: refusal.with_words("Windows does not understand the document"),
        },
        0x0037_0106 => ErrorKind::Disconnected("the compute system, which ended unexpectedly"),
        // The container may be there all the same: this is not its end.
        0x0037_0109 | 0x0037_0118 => ErrorKind::io(
            "the container's Windows did not answer",
            std::io::Error::from(std::io::ErrorKind::TimedOut),
        ),
        0x0037_010B => unsupported(refusal, "the system inside does not know this request"),
        0x0037_010C => unsupported(refusal, "host and guest speak different protocol versions"),
        0x0037_0114 => lacks(
            "the Host Compute Service does not answer",
            "start the Windows service `vmcompute`",
        ),
        0x0037_0101 => lacks(
            "the image's Windows does not match this host's",
            "use an image of the host's Windows version, or hypervisor isolation",
        ),
        _ => return None,
    })
}

fn of_win32(refusal: &Refusal, code: u32) -> ErrorKind {
    match code {
        1168 => ErrorKind::NotFound("element"),
        183 => ErrorKind::AlreadyExists,
        5 => ErrorKind::HostLacks {
            what: refusal.with_words("Windows denied access"),
            mend: "run as an administrator or a member of `Hyper-V Administrators`".into(),
        },
        50 | 13 => unsupported(refusal, "this Windows cannot do it"),
        6 => ErrorKind::Disconnected("the compute system, whose handle is closed"),
        127 => ErrorKind::HostLacks {
            what: refusal.with_words("a function is missing"),
            mend: "this Windows is too old for it: Windows Server 2019 is the oldest".into(),
        },
        _ => ErrorKind::io(
            refusal.with_words("the Host Compute Service refused"),
            io::Error::from_raw_os_error(code.cast_signed()),
        ),
    }
}

fn unsupported(refusal: &Refusal, why: &str) -> ErrorKind {
    ErrorKind::Unsupported { what: refusal.call.to_owned(), why: refusal.with_words(why) }
}

/// The field that Windows names between backticks or quotes, else the document.
fn field_in(words: &str) -> String {
    let named = words.split(['`', '\'']).nth(1).filter(|name| !name.contains(' '));
    named.unwrap_or("document").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(result: u32, document: &str) -> ErrorKind {
        Refusal::new("HcsX", result, document.to_owned()).into()
    }

    #[test]
    fn both_spellings_of_a_code_are_one_error() {
        for result in [0xC037_010E, 0x8037_010E, 0x8007_0490] {
            assert!(matches!(kind(result, ""), ErrorKind::NotFound(_)), "{result:#x}");
        }
        for result in [0xC037_0110, 0x8037_0110, 0x8037_011F] {
            assert!(matches!(kind(result, ""), ErrorKind::AlreadyStopped), "{result:#x}");
        }
        for result in [0xC037_0105, 0x8037_0105] {
            assert!(matches!(kind(result, ""), ErrorKind::InvalidState { .. }), "{result:#x}");
        }
    }

    /// Every code has words that a reader understands.
    #[test]
    fn every_code_of_the_sheet_is_readable() {
        let sheet = [
            0xC037_0105,
            0x8037_0105,
            0xC037_0106,
            0xC037_010B,
            0xC037_010C,
            0xC037_010D,
            0xC037_010E,
            0xC037_010F,
            0xC037_0109,
            0xC037_0110,
            0x8037_0110,
            0x8037_0118,
            0x8037_011F,
            0x8007_0490,
            0x8007_0032,
            0x8007_000D,
            0x8007_0005,
            0x8007_0006,
            0x8007_007F,
        ];
        for result in sheet {
            // What a code without a meaning of its own is told with.
            let told = kind(result, "").to_string();
            assert!(!told.contains("Compute Service refused"), "{result:#x} is not mapped: {told}");
        }
        assert!(!failed(PENDING));
    }

    #[test]
    fn what_a_network_lacks_is_not_found_and_no_failure_of_windows() {
        for result in [0x803B_0001, 0x803B_0002, 0x803B_0034, 0x803B_0027] {
            assert!(matches!(kind(result, ""), ErrorKind::NotFound(_)), "{result:#x}");
        }
        for result in [0x803B_0010, 0x803B_0014, 0x803B_002B] {
            assert!(matches!(kind(result, ""), ErrorKind::AlreadyExists), "{result:#x}");
        }
        let port = kind(0x803B_0013, "").to_string();
        assert!(port.contains("a port of the host is published already"), "{port}");
        let words = kind(0x803B_001B, r#"{"Success":false,"Error":"Unknown field `Colour`."}"#);
        assert!(
            matches!(&words, ErrorKind::InvalidDocument { field, .. } if field == "Colour"),
            "{words:?}"
        );
    }

    #[test]
    fn an_answer_that_never_came_tells_no_time_that_nobody_measured() {
        for result in [0xC037_0109, 0x8037_0118] {
            let told = kind(result, "").to_string();
            assert!(told.contains("did not answer") && !told.contains("0ns"), "{told}");
            assert!(!matches!(kind(result, ""), ErrorKind::Disconnected(_)), "it may live");
        }
    }

    #[test]
    fn an_error_document_names_the_field_and_the_reason() {
        let document = r#"{"Error":-1070137075,"ErrorMessage":"The JSON document is invalid.",
            "ErrorEvents":[{"Message":"Unknown field `Container.Colour`."}]}"#;
        let kind = kind(0xC037_010D, document);
        let ErrorKind::InvalidDocument { field, rule, .. } = &kind else { panic!("{kind:?}") };
        assert_eq!(field, "Container.Colour");
        assert!(rule.contains("Unknown field"), "{rule}");
    }

    #[test]
    fn a_process_that_cannot_start_tells_the_windows_error() {
        let refusal = Refusal::new("HcsCreateProcess", 0x8007_0002, String::new());
        let ErrorKind::Guest(failure) = refusal.of_spawn() else { panic!("not the process' own") };
        assert_eq!(failure.code, 2);
    }
}
