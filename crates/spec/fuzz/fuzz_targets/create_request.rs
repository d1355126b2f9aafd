//! No body of a request breaks the decoder.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &str| {
    let _ = spec::create::decode(body);
});
