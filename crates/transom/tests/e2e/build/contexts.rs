//! Where contexts and Dockerfiles come from.

use std::process::Command;

use super::add::{repositories, server};
use super::{Context, build, spoke};
use crate::support::host;

const DOCKERFILE: &str = "FROM transom/base\nCOPY *.txt C:/in/\nRUN type C:\\in\\a.txt\n";

fn archive(context: &Context) -> Vec<u8> {
    let output = Command::new("tar")
        .args(["-cz", "-C"])
        .arg(context.0.path())
        .arg(".")
        .output()
        .expect("tar is a part of every Linux");
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// `TarContext`, `TarContextExternalDockerfile` and `Dockerignore`.
#[test]
fn a_context_comes_from_stdin_as_an_archive_or_as_a_dockerfile_alone() {
    let host = host::shared();
    let context = Context::new(DOCKERFILE);
    context.file("a.txt", "in the archive").file("hidden.txt", "x").file(".dockerignore", "hid*");
    context.file("other.Dockerfile", "FROM transom/base\nRUN echo the other one\n");
    let line = ["build", "--progress", "plain", "--network", "none"];
    let said = host.transom(&line).arg("-").input(archive(&context)).succeed().errors();
    assert!(said.contains("in the archive"), "{said}");
    let other = host.transom(&line).args(&["-f", "other.Dockerfile", "-"]);
    let said = other.input(archive(&context)).succeed().errors();
    assert!(spoke(&said, "the other one"), "{said}");
    let alone = "FROM transom/base\nRUN echo no context\nCOPY a.txt /\n";
    let said = host.transom(&line).arg("-").input(alone).fail().errors();
    assert!(spoke(&said, "no context") && said.contains("\"/a.txt\": not found"), "{said}");
}

#[test]
fn a_dockerfile_comes_from_stdin_beside_a_folder() {
    let host = host::shared();
    let context = Context::new("FROM nothing\n");
    context.file("a.txt", "of the folder");
    let said = build(&host, &context, &["-f", "-"]).input(DOCKERFILE).succeed().errors();
    assert!(said.contains("of the folder"), "{said}");
    let both = host.transom(&["build", "-f", "-", "-"]).input(DOCKERFILE).fail();
    assert!(both.errors().contains("can't use stdin for both"), "{both:?}");
}

#[test]
fn a_repository_is_a_context() {
    let host = host::shared();
    let context = Context::new("FROM nothing\n");
    context.file("p.git/sub/Dockerfile", DOCKERFILE).file("p.git/sub/a.txt", "of a commit");
    for arguments in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["add", "."],
        &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "one"],
    ] {
        let mut git = Command::new("git");
        let output = git.current_dir(context.path("p.git")).args(arguments).output();
        assert!(output.as_ref().is_ok_and(|output| output.status.success()), "{output:?}");
    }
    let url = format!("{}/p.git#main:sub", repositories(context.0.path()));
    let line = ["build", "--progress", "plain", "--network", "none", &url];
    let said = host.transom(&line).succeed().errors();
    assert!(said.contains("of a commit"), "{said}");
}

/// `DockerfileLowercase`, `SymlinkedDockerfile`, `HTTPDockerfile`, `DockerignoreOverride` and
/// `DockerignoreInvalid`.
#[test]
fn a_dockerfile_may_be_in_lower_case_a_link_or_far_away_and_has_its_own_ignore_file() {
    let host = host::shared();
    let context = Context::new("");
    let text = "FROM scratch\nCOPY *.txt C:/in/\n";
    std::fs::remove_file(context.path("Dockerfile")).expect("it is there");
    context.file("dockerfile", text).file("a.txt", "a").file("b.txt", "b").file("c.txt", "c");
    context.file(".dockerignore", "a*\n");
    let out = context.path("out");
    let names = |flags: &[&str]| {
        // What is there is added to.
        let _ = std::fs::remove_dir_all(&out);
        build(&host, &context, &[flags, &["-o", &out]].concat()).succeed();
        let entries = std::fs::read_dir(format!("{out}/in")).expect("a folder");
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    };
    assert_eq!(names(&[]), ["b.txt", "c.txt"]);
    context.file("elsewhere/real", text).file("link.dockerignore", "*.txt\n!c.txt\n");
    let link = context.path("link");
    std::os::unix::fs::symlink("elsewhere/real", &link).expect("a link can be made");
    assert_eq!(names(&["-f", &link]), ["c.txt"]);

    context.file(".dockerignore", "a*\n[b\n");
    let said = build(&host, &context, &[]).fail().errors();
    assert!(said.contains("invalid pattern \"[b\""), "{said}");
    let address = format!("{}/Dockerfile", server(b"FROM scratch\nCOPY <<a /\nfrom afar\na\n"));
    host.transom(&["build", "-o", &out, &address]).succeed();
    assert_eq!(std::fs::read_to_string(format!("{out}/a")).expect("it is there"), "from afar\n");
}

/// `NamedLocalContext` and `NamedImageContext`.
#[test]
fn other_contexts_have_names() {
    let host = host::shared();
    let context = Context::new(
        "FROM base\nCOPY --from=extra b.txt C:/in/\n\
         RUN --mount=from=extra,target=C:\\\\m type C:\\in\\b.txt && type C:\\m\\b.txt && echo x>C:\\done\n\
         FROM base\nCOPY --from=0 done C:/\n",
    );
    context.file("other/b.txt", "of the other one");
    let extra = format!("extra={}", context.path("other"));
    let flags = ["--build-context", &extra, "--build-context", "base=docker-image://transom/base"];
    let said = build(&host, &context, &flags).succeed().errors();
    assert_eq!(said.matches("of the other one").count(), 2, "{said}");
    let bad = build(&host, &context, &["--build-context", "x=/nowhere"]).fail();
    assert!(bad.errors().contains("/nowhere is not a folder"), "{bad:?}");
}

/// `NamedOCILayoutContext` and `OCILayoutSource`.
#[test]
fn an_image_in_a_layout_is_a_context_by_its_tag_or_its_digest() {
    let host = host::shared();
    let made = Context::new("FROM transom/base\nCOPY b.txt C:/base/\n");
    made.file("b.txt", "of the layout");
    let layout = made.path("layout");
    let output = format!("type=oci,dest={layout},tar=false,name=some/base:7");
    build(&host, &made, &["-o", &output]).succeed();
    let context = Context::new(
        "FROM mcr.microsoft.com/windows/servercore:ltsc2022\nRUN type C:\\base\\b.txt\n\
         COPY --from=extra base/b.txt C:/copied/\n",
    );
    let index = std::fs::read_to_string(format!("{layout}/index.json")).expect("it has an index");
    let index: serde_json::Value = serde_json::from_str(&index).expect("it is JSON");
    let digest = index["manifests"][0]["digest"].as_str().expect("a digest");
    for place in [format!("{layout}:7"), format!("{layout}@{digest}"), layout.clone()] {
        let base = format!("mcr.microsoft.com/windows/servercore:ltsc2022=oci-layout://{place}");
        let extra = format!("extra=oci-layout://{place}");
        let other =
            "mcr.microsoft.com/windows/servercore:ltsc2022::linux/amd64=docker-image://none";
        let all = ["--build-context", &base, "--build-context", &extra, "--build-context", other];
        let said = build(&host, &context, &[&all[..], &["--no-cache"]].concat()).succeed().errors();
        assert!(said.contains("of the layout") && said.contains("oci-layout://"), "{said}");
    }
    let base = format!("mcr.microsoft.com/windows/servercore:ltsc2022=oci-layout://{layout}");
    let bad = format!("extra=oci-layout://{layout}:8");
    let flags = ["--build-context", &base, "--build-context", &bad];
    let said = build(&host, &context, &flags).fail().errors();
    assert!(said.contains("no image in it has the tag `8`"), "{said}");
}
