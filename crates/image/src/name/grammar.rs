//! Reading a reference as docker does: `[registry/]repository[:tag][@digest]`.
//!
//! By hand, because every command reads names: the regular expression that `oci-client` has for
//! them takes 50 ms to compile, more than a container takes to boot. A test holds the two together.

/// What a reference is made of; nothing is completed but registry and `library/`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) registry: &'a str,
    pub(super) repository: String,
    pub(super) tag: Option<&'a str>,
    pub(super) digest: Option<&'a str>,
}

const REPOSITORY_MOST: usize = 255;
const TAG_MOST: usize = 128;

/// Takes a reference apart, or tells the rule that it breaks.
pub(super) fn read(text: &str) -> Result<Parts<'_>, &'static str> {
    let (named, digest) = match text.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (text, None),
    };
    let (name, tag) = match named.rsplit_once(':') {
        // Before a slash it is a registry's port.
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (named, None),
    };
    if name.is_empty() {
        return Err("it names no repository");
    }
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err("a tag has letters, digits, `_`, `.` and `-`, at most 128");
    }
    let (registry, path) = split(name)?;
    if !path.split('/').all(is_component) {
        return Err(
            "a repository has lower-case letters and digits, separated by `.`, `_`, `__`, \
                    `-` and `/`",
        );
    }
    let registry = if registry == LEGACY_HUB { super::HUB } else { registry };
    let official = registry == super::HUB && !path.contains('/');
    let repository = if official { format!("{}{path}", super::LIBRARY) } else { path.to_owned() };
    if repository.len() > REPOSITORY_MOST {
        return Err("a repository has at most 255 characters");
    }
    Ok(Parts { registry, repository, tag, digest })
}

const LEGACY_HUB: &str = "index.docker.io";

/// Registry and repository. What cannot be a repository's first part is a registry.
fn split(name: &str) -> Result<(&str, &str), &'static str> {
    let Some((first, rest)) = name.split_once('/') else { return Ok((super::HUB, name)) };
    let upper = first.contains(|c: char| c.is_ascii_uppercase());
    if first != "localhost" && !first.contains(['.', ':']) && !upper {
        return Ok((super::HUB, name));
    }
    // Docker's rules let what could be a part of a repository be a registry, `_` and all.
    if is_registry(first) || is_component(first) {
        Ok((first, rest))
    } else {
        Err("the registry's name is not one")
    }
}

/// `host` or `host:port`.
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty()
            && label.chars().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let number = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    host.split('.').all(label) && port.is_none_or(number)
}

/// Runs of lower-case letters and digits with one separator between each two.
fn is_component(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut rest = text;
    loop {
        let after = rest.trim_start_matches(is_word);
        if after.len() == rest.len() {
            return false;
        }
        let next = after.trim_start_matches(['.', '_', '-']);
        let separator = &after[..after.len() - next.len()];
        if separator.is_empty() {
            return after.is_empty();
        }
        if !matches!(separator, "." | "_" | "__") && !separator.bytes().all(|b| b == b'-') {
            return false;
        }
        rest = next;
    }
}

fn is_tag(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= TAG_MOST
        && text.starts_with(is_word)
        && text.chars().all(|c| is_word(c) || matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use oci_client::Reference;

    use super::*;

    /// Both read it the same way, digests aside: those are `Digest`'s to judge.
    fn agree(text: &str) {
        match (read(text), text.parse::<Reference>()) {
            (Ok(parts), Ok(theirs)) => {
                assert_eq!(parts.registry, theirs.registry(), "{text}");
                assert_eq!(parts.repository, theirs.repository(), "{text}");
                let tag = parts.tag.or(parts.digest.is_none().then_some("latest"));
                assert_eq!((tag, parts.digest), (theirs.tag(), theirs.digest()), "{text}");
            }
            (Err(_), Err(_)) => {}
            (ours, theirs) => panic!("{text}: {ours:?}, but {theirs:?}"),
        }
    }

    #[test]
    fn names_are_read_as_the_regular_expression_reads_them() {
        for text in [
            "busybox",
            "test.com:tag",
            "test.com:5000",
            "test:5000/repo",
            "test.com/repo:tag",
            "sub-dom1.foo.com/bar/baz/quux:some-long-tag",
            "foo/foo_bar.com:8080",
            "foo_bar.com:8080",
            "a/b__c/d--e/f.g:V1_.-",
            "index.docker.io/x",
            "localhost/x",
            "localhost:80/x/y:1",
            "",
            ":a",
            "a:",
            "a b",
            "-a",
            "a-",
            "a..b",
            "a___b",
            "a._b",
            "a//b",
            "/a",
            "a/",
            "Node",
            "a/B",
            "foo_bar.com/x",
            "a.-b.com/x",
            "a.com:/x",
            "a.com:x/y",
            "a:b:c",
            "a.com:5/x:.t",
            "ä/b",
        ] {
            agree(text);
        }
    }

    #[test]
    fn lengths_are_bounded() {
        agree(&format!("a:{}", "t".repeat(128)));
        agree(&format!("a:{}", "t".repeat(129)));
        agree(&format!("a.b/{}", "r".repeat(255)));
        agree(&format!("a.b/{}", "r".repeat(256)));
    }

    #[test]
    fn a_digest_is_what_follows_the_sign() {
        let hex = "0".repeat(64);
        agree(&format!("a/b@sha256:{hex}"));
        agree(&format!("a.com:5/b:t@sha256:{hex}"));
    }

    /// Docker's rule since 2021, which the regular expression's caller does not have.
    #[test]
    fn a_first_part_in_upper_case_is_a_registry() {
        assert_eq!(read("Host/x").unwrap().registry, "Host");
    }
}
