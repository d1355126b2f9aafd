//! What people complain of about other builders of Windows images (`docs/building.md`), where no
//! other test is about it.

use super::{Context, build};
use crate::support::host;

#[test]
fn users_write_where_they_work_and_paths_may_be_long() {
    let host = host::shared();
    let long = [r"a folder with a name of some fifty characters here"; 6].join("\\");
    assert!(long.len() > 300);
    let context = Context::new(&format!(
        r#"# syntax=docker/dockerfile:1
# escape=`
FROM transom/base AS one
USER ContainerUser
WORKDIR C:\mine\not there yet
RUN echo of %USERNAME%>own.txt& mkdir sub& echo deeper>sub\own.txt
COPY ["a.txt", "C:\\{}\\"]
FROM transom/base
COPY --from=one ["C:\\{}\\a.txt", "C:\\copied\\from\\far\\"]
COPY --from=one ["C:\\mine", "C:\\mine"]
ENV Mixed_Case=1 MIXED_CASE=2
RUN type C:\copied\from\far\a.txt && type "C:\mine\not there yet\own.txt" && echo [%mixed_case%]
"#,
        long.replace('\\', "\\\\"),
        long.replace('\\', "\\\\"),
    ));
    context.file("a.txt", "from afar");
    let said = build(&host, &context, &["-t", "test/complaints:1"]).succeed().errors();
    for wanted in ["from afar", "of ContainerUser", "[2]"] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    let inspect = host.transom(&["image", "inspect", "test/complaints:1"]).succeed().json();
    let env = inspect[0]["Config"]["Env"].to_string();
    assert!(env.to_uppercase().matches("MIXED_CASE").count() == 1, "{env}");
    assert!(!env.to_uppercase().contains("\"PATH="), "the registry has it: {env}");
    assert!(inspect[0]["OsVersion"].as_str().is_some_and(|text| text.starts_with("10.0.")));
    host.transom(&["rmi", "test/complaints:1"]).succeed();
}
