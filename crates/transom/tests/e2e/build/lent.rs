//! What mounts bring into a step from elsewhere and keep for the next one, as `BuildKit`'s tests ask
//! for it.

use super::{Context, build, spoke, spoken};
use crate::support::host;

/// `BuildMultiMount`, `CachedMounts`, `MountDuplicate`, `MountMetaArg`, `MountEnvVar`,
/// `MountEnvAcrossStages`, `RelativeMountpoint` and `SecretAsEnviron`.
#[test]
fn a_cache_begins_with_its_seed_and_lasts_and_others_have_their_own() {
    let host = host::shared();
    let id = format!("lent{}", std::process::id());
    let context = Context::new(
        &r"# escape=`
ARG META=cache
FROM scratch AS seed
COPY in\seed.txt C:\
FROM transom/base AS settings
ENV AT=C:\at SUB=in
FROM settings
WORKDIR C:\root
ARG META
RUN --mount=target=relpath --mount=source=${SUB}\b.txt,target=$AT\b.txt `
    type C:\root\relpath\in\b.txt && echo.&& type C:\at\b.txt && copy C:\at\b.txt C:\got.txt
RUN --mount=type=${META},id=ID,from=seed,target=$AT\c type C:\at\c\seed.txt & echo more>> C:\at\c\more.txt & type C:\at\c\more.txt
RUN --mount=type=cache,id=ID-other,target=C:\c if exist C:\c\more.txt exit 7
RUN --mount=from=transom/base,source=Windows,target=C:\other copy C:\other\win.ini C:\got.ini
RUN --mount=type=secret,id=none,env=GONE --mount=type=secret,id=none,target=C:\gone.txt `
    echo [%GONE%]& if exist C:\gone.txt exit 8
RUN (if exist C:\at\c exit 9)& if not exist C:\got.ini exit 10
"
        .replace("ID", &id),
    );
    context.file("in/seed.txt", "from the seed\n").file("in/b.txt", "first\n");
    let times = |said: &str, line: &str| spoken(said).iter().filter(|one| **one == line).count();
    let said = build(&host, &context, &[]).succeed().errors();
    assert!(spoke(&said, "from the seed") && spoke(&said, "[%GONE%]"), "{said}");
    assert_eq!((times(&said, "first"), times(&said, "more")), (2, 1), "{said}");
    context.file("in/b.txt", "second\n");
    let said = build(&host, &context, &[]).succeed().errors();
    assert_eq!((times(&said, "second"), times(&said, "more")), (2, 2), "{said}");
    let filters = ["--filter", &format!("description~={id}"), "--filter", "inuse"];
    let used = host.transom(&["builder", "du", "--format", "json"]).args(&filters).succeed();
    assert_eq!(used.text(), "", "nothing is in use any more");
}
