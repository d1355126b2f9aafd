//! `--add-host`: names that steps resolve without a server.

use std::net::IpAddr;

use anyhow::{Result, bail};
use build::executor::HostAddress;

/// `NAME:ADDRESS` or `NAME=ADDRESS`, IPv6 with or without brackets, or `host-gateway`.
pub(super) fn read(given: &[String]) -> Result<Vec<(String, HostAddress)>> {
    given.iter().map(|text| one(text)).collect()
}

fn one(text: &str) -> Result<(String, HostAddress)> {
    let Some((name, address)) = text.split_once(['=', ':']).filter(|(name, _)| !name.is_empty())
    else {
        bail!("bad format for add-host: \"{text}\"");
    };
    if name.contains(char::is_whitespace) {
        bail!("bad format for add-host: \"{text}\": a name has no blanks");
    }
    if address == "host-gateway" {
        return Ok((name.to_owned(), HostAddress::Gateway));
    }
    let plain = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match plain.unwrap_or(address).parse::<IpAddr>() {
        Ok(address) => Ok((name.to_owned(), HostAddress::Fixed(address))),
        Err(_) => bail!("invalid IP address in add-host: \"{address}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_given_as_docker_takes_them() {
        let fixed = |text: &str| HostAddress::Fixed(text.parse().unwrap());
        for (text, name, address) in [
            ("a:10.0.0.1", "a", fixed("10.0.0.1")),
            ("a.b=10.0.0.1", "a.b", fixed("10.0.0.1")),
            ("a:::1", "a", fixed("::1")),
            ("a=[2001:db8::1]", "a", fixed("2001:db8::1")),
            ("me:host-gateway", "me", HostAddress::Gateway),
        ] {
            assert_eq!(one(text).unwrap(), (name.to_owned(), address), "{text}");
        }
        for (text, wanted) in [
            ("a", "bad format for add-host: \"a\""),
            (":10.0.0.1", "bad format"),
            ("a b:10.0.0.1", "no blanks"),
            ("a:", "invalid IP address in add-host: \"\""),
            ("a:10.0.0.256", "invalid IP address in add-host: \"10.0.0.256\""),
            ("a:gateway", "invalid IP address"),
        ] {
            let error = one(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
