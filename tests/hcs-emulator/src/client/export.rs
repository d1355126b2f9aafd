//! What an export does: its arguments become a request, and the answer goes where the caller wants it.
//!
//! Every DLL asks this way, so that no call goes past the faults that a test ordered.

use super::{Client, client, text};
use crate::wire::{Answer, Request};
use crate::{codes, document};

/// A text of the caller's.
pub type Text = *const u16;
/// A place for a text.
pub type OutText = *mut *mut u16;

/// A request of an export's texts, which are null or end with a zero.
pub fn request(call: &str, handle: u64, texts: &[Text]) -> Request {
    // SAFETY: callers of every export give null or what ends with a zero.
    let texts = texts.iter().map(|one| unsafe { text::read(*one) }).collect();
    Request { call: call.to_owned(), handle, texts, ..Request::default() }
}

/// Asks the service, or fails as a rule wants it; a failure has its document.
pub fn ask(request: Request) -> Answer {
    if let Some(result) = Client::refused_at_once(&request.call) {
        return Answer { result, document: words(&request.call, result), ..Answer::default() };
    }
    match client() {
        Some(client) => client.ask(request),
        None => Answer { result: codes::SERVICE_NOT_AVAILABLE, ..Answer::default() },
    }
}

/// Networks tell what was wrong in words of their own.
fn words(call: &str, result: u32) -> String {
    let is_network = call.starts_with("Hcn") || call.starts_with("HNS");
    if is_network { document::network_error(result, "") } else { document::error(result, "") }
}

/// The answer's result; its document goes where `document` or, of a failure, `result` is.
///
/// # Safety
///
/// Both are null or places.
pub unsafe fn give(answer: &Answer, document: OutText, result: OutText) -> u32 {
    let failed = codes::failed(answer.result);
    // SAFETY: as the caller promises.
    unsafe {
        text::give(document, if failed { "" } else { &answer.document });
        text::give(result, if failed { &answer.document } else { "" });
    }
    answer.result
}
