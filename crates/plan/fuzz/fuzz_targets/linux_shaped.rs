//! No `config.json` breaks planning, and each is planned the same way twice.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(spec) = plan::Spec::from_json(text) {
        plan_fuzz::adopt(&spec);
    }
});
