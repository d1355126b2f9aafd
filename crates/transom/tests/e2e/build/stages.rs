//! Stages, and what images leave for builds on top of them, as `BuildKit`'s tests ask for them.

use super::{Context, build, spoke, spoken};
use crate::support::host;

/// `OnBuild`, with its heredocs and cache mounts, and `OnBuildInheritedStage`.
#[test]
fn what_an_image_left_for_later_is_done_first_and_once() {
    let host = host::shared();
    let base = Context::new(
        "FROM transom/base\nONBUILD ARG WHO=nobody\n\
         ONBUILD COPY <<left.txt C:/left/\nfor $WHO\nleft.txt\n\
         ONBUILD RUN --mount=type=cache,id=onbuild,target=C:/c type C:\\left\\left.txt\n\
         ONBUILD RUN <<EOF\necho once& echo x>> C:\\left\\times.txt\nEOF\n",
    );
    build(&host, &base, &["-t", "test/onbuild:1"]).succeed();
    let context = Context::new(
        "FROM test/onbuild:1 AS one\nRUN echo own>> C:\\\\left\\\\times.txt\nFROM one\n\
         RUN type C:\\\\left\\\\times.txt\n",
    );
    let flags = ["--build-arg", "WHO=you", "-t", "test/onbuild:2"];
    let said = build(&host, &context, &flags).succeed().errors();
    assert!(spoke(&said, "for you"), "{said}");
    let told: Vec<&str> =
        spoken(&said).into_iter().filter(|line| ["once", "x", "own"].contains(line)).collect();
    assert_eq!(told, ["once", "x", "own"], "{said}");
    let inspect = host.transom(&["image", "inspect", "test/onbuild:2"]).succeed().json();
    assert!(inspect[0]["Config"]["OnBuild"].as_array().is_none_or(Vec::is_empty), "{inspect}");
    host.transom(&["rmi", "test/onbuild:2", "test/onbuild:1"]).succeed();
}

/// `MultiStageImplicitFrom`, `MultiStageCaseInsensitive`, `OutOfOrderStage` and `TargetMistype`.
#[test]
fn stages_are_found_by_number_and_name_and_images_by_theirs() {
    let host = host::shared();
    let context = Context::new(
        "FROM scratch AS StageOne\nCOPY a.txt /\nFROM STAGEone AS two\nCOPY b.txt /\nFROM scratch\n\
         COPY --from=STAGEONE a.txt /named/\nCOPY --from=1 . /numbered/\n\
         COPY --from=transom/base Windows/win.ini /of-image/\n",
    );
    context.file("a.txt", "a").file("b.txt", "b");
    let out = context.path("out");
    let said = build(&host, &context, &["-o", &out]).succeed().errors();
    assert!(said.contains("[stageone 2/2] COPY a.txt /"), "{said}");
    for path in ["named/a.txt", "numbered/a.txt", "numbered/b.txt", "of-image/win.ini"] {
        assert!(std::path::Path::new(&out).join(path).is_file(), "{path}");
    }
    for (instruction, wanted) in [
        (
            "COPY --from=Late x /",
            "cannot copy from stage \"Late\", it needs to be defined before current stage \"here\"",
        ),
        (
            "RUN --mount=from=late,target=/t x",
            "cannot mount from stage \"late\" to \"/t\", stage needs to be defined before current",
        ),
        ("COPY --from=no/such/image:here@ x /", "no/such/image:here@"),
    ] {
        let text = format!("FROM transom/base AS here\n{instruction}\nFROM here AS late\n");
        let said = build(&host, &Context::new(&text), &[]).fail().errors();
        assert!(said.contains(wanted), "{instruction}: {said}");
    }
    let said = build(&host, &context, &["--target", "stagone"]).fail().errors();
    let wanted = "target stage \"stagone\" could not be found (did you mean stageone?)";
    assert!(said.contains(wanted), "{said}");
}
