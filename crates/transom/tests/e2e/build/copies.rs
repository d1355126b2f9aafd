//! `COPY`, `WORKDIR` and heredocs as `BuildKit`'s tests of its frontend ask for them, without a `RUN`
//! where none is needed: what was built is looked at in a folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::add::descriptor_holds;
use super::{Context, build};
use crate::support::host::{self, Host};
use crate::support::layers;

/// The files that come of a build.
fn built(host: &Host, context: &Context, flags: &[&str]) -> PathBuf {
    let out = context.path("out");
    build(host, context, &[flags, &["-o", &out]].concat()).succeed();
    out.into()
}

/// What stands in files of a folder.
fn expect(folder: &Path, files: &[(&str, &str)]) {
    for (path, wanted) in files {
        let text = fs::read_to_string(folder.join(path));
        assert_eq!(text.as_deref().ok(), Some(*wanted), "{path}: {text:?}");
    }
}

/// `CopyRelative`, `CopyUnicodePath`, `CopyOverrideFiles`, `CopyVarSubstitution`, `EmptyDestDir`,
/// `PreserveDestDirSlash`, `WorkdirCreatesDir`, `WorkdirCopyIgnoreRelative` and
/// `ExporterTargetExists`.
#[test]
fn files_go_where_they_are_told_whatever_they_are_called() {
    let host = host::shared();
    let context = Context::new(
        r#"# escape=`
FROM scratch AS base
WORKDIR C:\work
COPY one.txt over.txt
COPY two.txt over.txt
COPY ["tést 文.txt", "C:\\"]
FROM scratch
WORKDIR /
WORKDIR C:\first
WORKDIR second
COPY one.txt ''
COPY one.txt two.txt rel/
COPY one.txt /sample/
ENV WHERE=two
COPY ${WHERE}.txt ./$WHERE/
COPY --from=base work\over.txt .
COPY --from=base ["tést 文.txt", "C:\\ünï\\"]
COPY --from=base / C:\whole
"#,
    );
    context.file("one.txt", "1").file("two.txt", "2").file("tést 文.txt", "3");
    context.file("out/kept.txt", "was there").file("out/sample/one.txt", "older");
    let out = built(&host, &context, &[]);
    let wanted = [
        ("first/second/one.txt", "1"),
        ("first/second/rel/one.txt", "1"),
        ("first/second/rel/two.txt", "2"),
        ("sample/one.txt", "1"),
        ("first/second/two/two.txt", "2"),
        ("first/second/over.txt", "2"),
        ("ünï/tést 文.txt", "3"),
        ("whole/work/over.txt", "2"),
        ("kept.txt", "was there"),
    ];
    expect(&out, &wanted);
    assert!(!out.join("whole/windows").exists(), "there is no Windows in nothing");
}

/// `CopySymlinks`, `CopyFollowAllSymlinks`, `CopyThroughSymlinkContext`,
/// `CopyThroughSymlinkMultiStage` and `TarExporterSymlink`.
#[test]
fn links_are_followed_where_they_are_named_and_kept_where_they_are_found() {
    let host = host::shared();
    let context = Context::new(
        r"# escape=`
FROM scratch AS stage
COPY tree C:\t\
FROM scratch
COPY link.txt C:\named\
COPY link* C:\wild\
COPY door\deep.txt C:\through\
COPY tree C:\tree\
COPY --from=stage t\door\deep.txt C:\stage\
",
    );
    context.file("one.txt", "1").file("tree/foo", "2").file("tree/inner/deep.txt", "3");
    for (target, link) in [
        ("one.txt", "chain.txt"),
        ("chain.txt", "link.txt"),
        ("tree/inner", "door"),
        ("foo", "tree/ln"),
        ("inner", "tree/door"),
    ] {
        symlink(target, context.path(link)).expect("a link can be made");
    }
    let archive = context.path("out.tar");
    let out = built(&host, &context, &["-o", &format!("type=tar,dest={archive}")]);
    let wanted = [
        ("named/link.txt", "1"),
        ("wild/link.txt", "1"),
        ("through/deep.txt", "3"),
        ("stage/deep.txt", "3"),
    ];
    expect(&out, &wanted);
    for (path, _) in wanted {
        assert!(!out.join(path).is_symlink(), "{path}");
    }
    assert_eq!(fs::read_link(out.join("tree/ln")).ok(), Some("foo".into()));
    let mut archive = tar::Archive::new(fs::File::open(archive).expect("it was written"));
    let link = archive.entries().expect("an archive").map(|entry| entry.expect("an entry"));
    let link = link.filter(|entry| entry.path().is_ok_and(|path| path.ends_with("tree/ln")));
    let targets = link.map(|entry| entry.link_name().expect("a name").map(PathBuf::from));
    assert_eq!(targets.collect::<Vec<Option<PathBuf>>>(), [Some("foo".into())]);
}

/// `WorkdirExists`.
#[test]
fn a_folder_that_is_there_stays_its_owners() {
    let host = host::shared();
    let context = Context::new(
        r"# escape=`
FROM transom/base
COPY --chown=ContainerUser a.txt C:\tree\
WORKDIR C:\tree
",
    );
    context.file("a.txt", "a");
    build(&host, &context, &["-t", "test/folder:1"]).succeed();
    let layers = layers::of(&host, "test/folder:1");
    let of = |layer: usize| layers[layer].record("Files/tree", "MSWINDOWS.rawsd");
    // `ContainerUser`, S-1-5-93-2-2.
    assert!(descriptor_holds(of(1), "AQMAAAAAAAVdAAAAAgAAAAIAAAA"), "{}", of(1));
    assert_eq!(of(2), of(1));
}

/// `CopyWildcards`, `EmptyWildcard`, `WildcardRenameCache` and `CopyWildcardCache`.
#[test]
fn only_what_a_wildcard_matches_decides_whether_it_is_copied_again() {
    let host = host::shared();
    let context = Context::new("FROM scratch\nCOPY foo* d?r*/*.txt none* C:/in/\n");
    context.file("foo1", "1").file("dir1/a.txt", "2").file("dir1/a.md", "no").file("other", "no");
    // What else is in the context is the Dockerfile.
    let cached = || build(&host, &context, &[]).succeed().errors().contains("CACHED");
    cached();
    fs::rename(context.path("other"), context.path("another")).expect("a file can be renamed");
    assert!(cached());
    context.file("foo2", "3");
    assert!(!cached());
    let out = built(&host, &context, &[]);
    expect(&out, &[("in/foo1", "1"), ("in/foo2", "3"), ("in/a.txt", "2")]);
    assert_eq!(fs::read_dir(out.join("in")).expect("a folder").count(), 3);
}

/// `CopyHeredoc`, `CopyHeredocSpecialSymbols`, `HeredocIndent` and `HeredocVarSubstitution`.
#[test]
fn texts_of_a_dockerfile_are_files_with_their_quotes_and_escapes() {
    let host = host::shared();
    let context = Context::new(
        "FROM scratch\nENV NAME=world\n\
         COPY <<one <<-\"two\" C:/d/\n\thello ${NAME:-nobody}\none\n\t\tindented $NAME\n\ttwo\n\
         COPY <<EOF /quotes\n{\"a\": \"it's \\\\\"$NAME\\\\\"\"}\nEOF\n\
         COPY <<EOF /slash1\n\\\nEOF\nCOPY <<EOF /slash2\n\\\\\nEOF\nCOPY <<EOF /slash3\n\\$\nEOF\n\
         COPY <<\"EOF\" /raw\n\\ \\\\ \\$NAME\nEOF\n",
    );
    let out = built(&host, &context, &[]);
    let wanted = [
        ("d/one", "\thello world\n"),
        ("d/two", "indented $NAME\n"),
        ("quotes", "{\"a\": \"it's \\\"world\\\"\"}\n"),
        ("slash1", "\n"),
        ("slash2", "\\\n"),
        ("slash3", "$\n"),
        ("raw", "\\ \\\\ \\$NAME\n"),
    ];
    expect(&out, &wanted);
}
