//! The same input gives the same digests, wherever and however it is built.

use serde_json::Value;

use super::{Context, build};
use crate::support::host::{self, Host};

/// Two stages that do not need each other, in either order, and a registry that a step changes.
fn dockerfile(swapped: bool) -> String {
    let one = "FROM transom/base AS one\nRUN echo one>C:\\one.txt& mkdir C:\\deep\\er\n";
    let two = "FROM transom/base AS two\nCOPY a.txt C:/two/\nWORKDIR C:/two/made\n";
    let (first, second) = if swapped { (two, one) } else { (one, two) };
    format!(
        "# escape=`\n{first}{second}FROM transom/base\nCOPY --from=one one.txt deep C:/in/\n\
         COPY --from=two C:/two C:/in/two/\n\
         RUN reg add HKLM\\Software\\Acme /v Flag /d 42 /f && reg add HKCU\\Software\\Own /v Mine /f\n\
         RUN setx /M ACME yes\n"
    )
}

fn digests(host: &Host, swapped: bool, flags: &[&str]) -> (Value, Value) {
    let context = Context::new(&dockerfile(swapped));
    context.file("a.txt", "a");
    let about = context.path("about.json");
    let dated = ["--build-arg", "SOURCE_DATE_EPOCH=1500000000", "--metadata-file", &about];
    build(host, &context, &[&dated[..], flags].concat()).succeed();
    let about = std::fs::read(&about).expect("it was written");
    let about: Value = serde_json::from_slice(&about).expect("it is JSON");
    (about["containerimage.config.digest"].clone(), about["containerimage.digest"].clone())
}

/// `ReproducibleIDs` and `ImportExportReproducibleIDs`.
#[test]
fn two_builds_in_two_roots_give_one_digest_cached_or_not_and_in_any_order_of_stages() {
    let (one, other) = (host::shared(), Host::new("again"));
    let first = digests(&one, false, &["--no-cache"]);
    assert!(first.1.as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{first:?}");
    assert_eq!(digests(&one, false, &[]), first, "cached");
    assert_eq!(digests(&one, true, &["--no-cache"]), first, "in another order");
    assert_eq!(digests(&other, true, &[]), first, "in another root");
}
