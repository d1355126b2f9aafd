//! `HNSCall`: the older interface to networks.

#![expect(unsafe_code, reason = "an export called from C")]

use hcs_emulator::client::export::{OutText, Text, ask, request};
use hcs_emulator::client::text;

/// What is wrong is in the response: the call itself fails only without a service.
///
/// # Safety
///
/// Texts end with a zero or are null; `response` is a place.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HNSCall(
    method: Text,
    path: Text,
    body: Text,
    response: OutText,
) -> u32 {
    let answer = ask(request("HNSCall", 0, &[method, path, body]));
    // SAFETY: as the caller promises.
    unsafe { text::give(response, &answer.document) };
    answer.result
}
