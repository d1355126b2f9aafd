//! `HNSCall`: the older interface to networks.

#![expect(unsafe_code, reason = "an export called from C")]

use hcs_emulator::client::{self, text};
use hcs_emulator::codes;
use hcs_emulator::wire::Request;

/// What is wrong is in the response: the call itself fails only without a service.
///
/// # Safety
///
/// Texts end with a zero or are null; `response` is a place.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HNSCall(
    method: *const u16,
    path: *const u16,
    body: *const u16,
    response: *mut *mut u16,
) -> u32 {
    let Some(client) = client::client() else { return codes::SERVICE_NOT_AVAILABLE };
    // SAFETY: as the caller promises.
    let texts = [method, path, body].map(|one| unsafe { text::read(one) }).to_vec();
    let answer = client.ask(Request { call: "HNSCall".to_owned(), texts, ..Request::default() });
    // SAFETY: as the caller promises.
    unsafe { text::give(response, &answer.document) };
    answer.result
}
