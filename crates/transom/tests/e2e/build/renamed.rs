//! A folder that came with a layer below is renamed or moved, as npm and installers do: overlayfs
//! alone would refuse it, and no layer of Windows can say it.

use super::{Context, build, spoken};
use crate::support::container::Container;
use crate::support::host;
use crate::support::registry::Registry;

const DOCKERFILE: &str = r#"
FROM transom/base AS base
COPY app C:/app
RUN mkdir C:\near
FROM base AS moved
RUN ren C:\app new && del C:\new\one.txt && echo three>C:\new\sub\three.txt
RUN move C:\new\sub C:\near\far && move "C:\Program Files\Internet Explorer" C:\ie
FROM moved
RUN dir /s /b C:\new C:\near C:\ie & dir /b C:\ "C:\Program Files"
CMD type C:\near\far\two.txt C:\near\far\three.txt & dir /b C:\
"#;

#[test]
fn a_renamed_folder_is_in_later_stages_and_in_the_image_that_was_pushed() {
    let host = host::shared();
    let context = Context::new(DOCKERFILE);
    context.file("app/one.txt", "one").file("app/two.txt", "2").file("app/sub/two.txt", "two");
    let registry = Registry::start();
    let name = registry.name("test/renamed:1");
    let said = build(&host, &context, &["-t", &name, "--push"]).succeed().errors();
    let seen = spoken(&said);
    for line in [r"C:\new\two.txt", r"C:\near\far\three.txt", r"C:\ie\iexplore.exe"] {
        assert!(seen.contains(&line), "{line}: {said}");
    }
    for gone in ["app", "Internet Explorer", r"C:\new\one.txt", r"C:\new\sub"] {
        assert!(!seen.contains(&gone), "{gone}: {said}");
    }
    host.transom(&["rmi", &name]).succeed();
    let text = host.transom(&["run", "--rm", &name]).succeed().text();
    assert!(text.contains("two") && text.contains("three"), "{text}");
    let names: Vec<&str> = text.lines().map(str::trim).collect();
    assert!(names.contains(&"near") && !names.contains(&"app"), "{text}");
    host.transom(&["rmi", &name]).succeed();
}

#[test]
fn a_container_that_renamed_a_folder_starts_again_and_is_told_of_and_committed() {
    let host = host::shared();
    let context = Context::new("FROM transom/base\nCOPY app C:/app\n");
    context.file("app/one.txt", "one").file("app/sub/two.txt", "two");
    build(&host, &context, &["-t", "test/renamed:2"]).succeed();
    // The second time there is nothing to rename.
    let line = ["test/renamed:2", "cmd", "/c", r"ren C:\app held & type C:\held\sub\two.txt"];
    let container = Container::create(&host, &[], &line);
    for _ in 0..2 {
        assert_eq!(container.transom("start", &["-a"]).succeed().text(), "two");
    }
    let told = container.transom("diff", &[]).succeed().lines();
    for line in [r"D \app", r"A \held", r"A \held\sub\two.txt"] {
        assert!(told.iter().any(|told| told == line), "{told:?}");
    }
    let folder = host.scratch();
    let out = folder.path().join("sub");
    host.transom(&["cp", &format!("{}:/HELD/sub", container.id())]).arg(&out).succeed();
    assert_eq!(std::fs::read(out.join("two.txt")).expect("it was copied"), b"two");
    host.transom(&["commit", container.id(), "test/renamed:3"]).succeed();
    let text = host.transom(&[
        "run",
        "--rm",
        "test/renamed:3",
        "cmd",
        "/c",
        r"type C:\held\one.txt & dir /b C:\",
    ]);
    let text = text.succeed().text();
    assert!(text.starts_with("one") && !text.lines().any(|name| name.trim() == "app"), "{text}");
}
