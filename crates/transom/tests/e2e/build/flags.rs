//! Flags of `build`, as a user of docker or buildx gives them: what they do, or why they are refused.

use super::{Context, build};
use crate::support::host;

#[test]
fn names_that_are_added_are_resolved_by_steps_and_are_in_no_image() {
    let host = host::shared();
    let context = Context::new(
        "FROM transom/base\nRUN ping -n 1 -w 10 far.example & ping -n 1 -w 10 six & exit 0\n",
    );
    let hosts = ["--add-host", "far.example:10.9.8.7", "--add-host", "six=10.9.8.8"];
    let said = build(&host, &context, &hosts).succeed().errors();
    assert!(said.contains("10.9.8.7") && said.contains("10.9.8.8"), "{said}");
    // Another address of the same name is no other step.
    let hosts = ["--add-host", "six:10.1.1.1", "--add-host", "far.example:10.1.1.2"];
    assert!(build(&host, &context, &hosts).succeed().errors().contains("CACHED"));
    assert!(!build(&host, &context, &[]).succeed().errors().contains("CACHED"));

    let gateway = ["--add-host", "outside:host-gateway"];
    let context = Context::new("FROM transom/base\nRUN ping -n 1 -w 10 outside & exit 0\n");
    let line = ["build", "--progress", "plain"];
    let with = host.transom(&line).args(&gateway).arg(context.0.path()).succeed().errors();
    let address = with.split("Pinging outside [").nth(1).and_then(|rest| rest.split(']').next());
    assert!(address.is_some_and(|text| text.parse::<std::net::Ipv4Addr>().is_ok()), "{with}");
    // Without a network there is no way to the host, and nothing has its name.
    let without = build(&host, &context, &[&gateway[..], &["--no-cache"]].concat());
    let without = without.succeed().errors();
    assert!(!without.contains("Pinging outside"), "{without}");
}

/// `ContainerHost` among it.
#[test]
fn what_a_flag_cannot_mean_is_refused_before_anything_is_built() {
    let host = host::shared();
    let context = Context::new("FROM transom/base\nRUN echo built\n");
    for (flags, wanted) in [
        (&["--add-host", "a"][..], "bad format for add-host: \"a\""),
        (&["--add-host", "a:b"], "invalid IP address in add-host: \"b\""),
        (&["--allow", "network.host"], "there is nothing to allow"),
        (&["--annotation", "x"], "NAME=VALUE"),
        (&["--build-context", "x=target:y"], "target: is bake's"),
        (&["--build-context", "x=s3://y"], "s3:// is not supported"),
        (&["--build-context", "x=oci-layout:///nowhere"], "/nowhere is not a folder"),
        (&["--build-context", "x=docker-image://A B"], "invalid image name"),
        (&["--build-context", "x"], "expected key=value"),
        (&["--call", "outline"], "check or targets"),
        (&["--cgroup-parent", "/x"], "--cgroup-parent is refused"),
        (&["--memory", "1g"], "no limits of their own"),
        (&["--network", "host"], "--network host is not supported"),
        (&["--platform", "linux/amd64"], "only windows/amd64"),
        (&["--platform", "windows/amd64,windows/arm64"], "only windows/amd64"),
        (&["--progress", "fancy"], "--progress fancy is not supported"),
        (&["--progress", "tty"], "stderr is not a terminal"),
        (&["--provenance", "mode=mid"], "unexpected argument"),
        (&["--provenance=mode=mid"], "min or max is wanted"),
        (&["--rm=false"], "always removed"),
        (&["--sbom=generator=x"], "a generator is a Linux image"),
        (&["--secret", "src"], "KEY=VALUE is wanted"),
        (&["--shm-size", "1g"], "--shm-size is refused"),
        (&["--squash"], "layers are not squashed"),
        (&["--ssh", "default=/nowhere"], "looking at /nowhere"),
        (&["--tag", "A"], "invalid image name"),
        (&["--target", "none"], "target stage \"none\" could not be found"),
        (&["--ulimit", "nofile=1"], "--ulimit is refused"),
    ] {
        let said = build(&host, &context, flags).fail().errors();
        assert!(said.contains(wanted) && !said.contains("echo built"), "{flags:?}: {said}");
    }
}

/// `NoCache` by stage, and `Targets`.
#[test]
fn switches_are_switched_as_dockers_are_and_stages_can_be_done_anew_alone() {
    let host = host::shared();
    let context = Context::new(
        "FROM transom/base AS one\nRUN echo 1>C:\\\\one\nFROM transom/base AS Two\n\
         RUN echo 2>C:\\\\two\nFROM transom/base\nCOPY --from=one one /\nCOPY --from=two two /\n",
    );
    let cached =
        |flags: &[&str]| build(&host, &context, flags).succeed().errors().matches("CACHED").count();
    cached(&["--pull=false", "--rm", "--force-rm=true"]);
    assert_eq!(cached(&["--no-cache=false"]), 4);
    assert_eq!(cached(&["--no-cache"]), 0);
    assert_eq!(cached(&["--no-cache-filter", "none"]), 4);
    // The same comes of it, and what it is copied into is the same.
    let said = build(&host, &context, &["--no-cache-filter", "TWO,none"]).succeed().errors();
    let anew = |step: &str| {
        let number =
            said.lines().find(|line| line.contains(step)).and_then(|line| line.split(' ').next());
        let number = number.unwrap_or_else(|| panic!("no {step}: {said}"));
        !said.contains(&format!("{number} CACHED"))
    };
    assert!(anew("RUN echo 2") && !anew("RUN echo 1"), "{said}");

    let quiet = build(&host, &context, &["--quiet=true"]).succeed();
    assert!(quiet.text().starts_with("sha256:") && quiet.errors().is_empty(), "{quiet:?}");
    let targets = build(&host, &context, &["--call=targets"]).succeed().lines();
    assert_eq!(targets[1..], ["one", "two", "(default)"]);
}

#[test]
fn a_level_of_compression_counts_for_layers_that_are_there() {
    let host = host::shared();
    let context = Context::new("FROM transom/base\nCOPY text C:/\n");
    // Words of some hundred, in no order: what is as regular as numbers in a row is a matter of luck.
    let mut state = 7_u32;
    let mut word = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        format!("word{} ", (state >> 16) % 700 * 7919)
    };
    let text: String = (0..40_000).map(|_| word()).collect();
    context.file("text", text);
    let size = |how: &str| {
        let folder = context.path("layout");
        // What is there of another one would be left.
        let _ = std::fs::remove_dir_all(&folder);
        build(&host, &context, &["-o", &format!("type=oci,dest={folder},tar=false,{how}")])
            .succeed();
        let index =
            std::fs::read(context.path("layout/index.json")).expect("a layout has an index");
        let index: serde_json::Value = serde_json::from_slice(&index).expect("it is JSON");
        let manifest = crate::support::schema::blob(folder.as_ref(), &index["manifests"][0]);
        let layer =
            manifest["layers"].as_array().and_then(|all| all.last()).expect("layers").clone();
        layer["size"].as_u64().expect("a size")
    };
    let [usual, fast, same, none] =
        ["", ",compression-level=1", ",compression-level=6", ",compression-level=0"]
            .map(|level| size(&format!("compression=gzip{level}")));
    let [small, quick] =
        ["19", "1"].map(|level| size(&format!("compression=zstd,compression-level={level}")));
    let all = [usual, fast, same, none, small, quick];
    // Whoever prunes meanwhile has the layer made again, at another time.
    assert!(same.abs_diff(usual) < 256, "{all:?}");
    assert!(fast > usual + 256 && none > 2 * usual && small < quick, "{all:?}");
}

#[test]
fn every_line_of_raw_progress_is_a_message() {
    let host = host::shared();
    let context = Context::new("FROM transom/base as Base\nRUN echo built & exit 3\n");
    let line = ["build", "--progress", "rawjson", "--network", "none", "-t", "test/raw:1"];
    let said = host.transom(&line).arg(context.0.path()).fail().errors();
    let error = said.lines().position(|line| line.starts_with("------")).expect("it failed");
    context.file("Dockerfile", "FROM transom/base as Base\nRUN echo built\n");
    let good = host.transom(&line).arg(context.0.path()).succeed().errors();
    let lines: Vec<&str> = said.lines().take(error).chain(good.lines()).collect();
    let messages: Vec<serde_json::Value> =
        lines.iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    for part in ["vertexes", "logs", "warnings"] {
        assert!(messages.iter().any(|message| message[part].is_array()), "no {part}: {good}");
    }
}
