//! What confidential VMs of both kinds share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::error::{PlanError, Result};
use crate::fields::Fields;

const SECURE_BOOT_TEMPLATE: &str = "1734c6e8-3154-4dda-ba5f-a874cc483422";

/// The hash of a security policy, which the hardware attests.
pub(super) fn launch_data(policy: &str) -> Result<String> {
    let decoded = STANDARD.decode(policy).map_err(|error| {
        PlanError::field("securitypolicy", policy, format!("must be base64: {error}"))
    })?;
    Ok(STANDARD.encode(Sha256::digest(decoded)))
}

/// Bytes as JSON has them.
pub(super) fn base64(bytes: &str) -> String {
    STANDARD.encode(bytes)
}

/// `Chipset` with firmware that checks what it boots, or does not.
pub(super) fn chipset(secure_boot: bool) -> Fields {
    let firmware = if secure_boot {
        Fields::new()
            .always("ApplySecureBootTemplate", "Apply")
            .always("SecureBootTemplateId", SECURE_BOOT_TEMPLATE)
    } else {
        Fields::new().always("ApplySecureBootTemplate", "Skip")
    };
    Fields::new().always("Uefi", firmware)
}

/// `SecuritySettings`.
pub(super) fn security(kind: &str, launch_data: String, hcl: Option<bool>) -> Fields {
    let isolation = Fields::new()
        .always("IsolationType", kind)
        .put("LaunchData", launch_data)
        .given("HclEnabled", hcl);
    Fields::new().always("Isolation", isolation)
}
