//! Dockerfiles as people write them: built, run, pushed, pulled by digest, run again, and read by
//! skopeo.

use std::path::Path;

use serde_json::Value;

use super::{Context, build};
use crate::support::fetch;
use crate::support::host::{self, Host};
use crate::support::registry::{Registry, skopeo};
use crate::support::schema;

/// Base with a program from the context, a bundle made by another one, and only the two of them in
/// the end.
const NODE: &str = r#"# syntax=docker/dockerfile:1
# escape=`

ARG BASE=mcr.microsoft.com/windows/nanoserver:ltsc2022

FROM ${BASE} AS node
USER ContainerAdministrator
COPY ["node.exe", "C:\\Program Files\\nodejs\\node.exe"]
RUN setx /M PATH "%PATH%;C:\Program Files\nodejs"
USER ContainerUser

FROM node AS bundle
USER ContainerAdministrator
WORKDIR C:\src
COPY esbuild.exe C:\tools\
COPY package.json ./
COPY src\ src\
ENV NODE_ENV=production
RUN C:\tools\esbuild.exe src\main.js --bundle --platform=node --minify `
    --outfile=C:\out\app.js
RUN node C:\out\app.js --check

FROM node
LABEL org.opencontainers.image.title="the app"
WORKDIR C:\app
COPY --from=bundle C:\out\ .\
ENV NODE_ENV=production PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=30s CMD node -e "process.exit(0)"
ENTRYPOINT ["node", "app.js"]
CMD ["--serve"]
"#;

const MAIN: &str = "import { words } from './words.js';\n\
    console.log(words(process.env.NODE_ENV), process.argv.slice(2).join());\n";
const WORDS: &str = "export const words = (mode) => `the app in ${mode} on ${process.platform}`;\n";

#[test]
fn a_node_app_is_bundled_in_one_stage_and_run_in_another() {
    let programs = fetch::programs();
    let host = host::shared();
    let context = Context::new(NODE);
    for name in ["node.exe", "esbuild.exe"] {
        std::fs::copy(programs.join(name), context.path(name)).expect("a copy");
    }
    context.file("package.json", "{\"type\": \"module\"}\n");
    context.file("src/main.js", MAIN).file("src/words.js", WORDS);
    let said = build(&host, &context, &["-t", "test/node-app:1"]).succeed().errors();
    assert!(said.contains("the app in production on win32 --check"), "{said}");
    let wanted = "the app in production on win32 --serve";
    around(&host, "test/node-app:1", |image| {
        assert_eq!(host.transom(&["run", "--rm", image]).succeed().text(), wanted);
    });
    let inspect = host.transom(&["image", "inspect", "test/node-app:1"]).succeed().json();
    let config = &inspect[0]["Config"];
    assert_eq!(config["Entrypoint"], serde_json::json!(["node", "app.js"]));
    assert_eq!(config["User"], "ContainerUser");
    assert!(config["ExposedPorts"]["8080/tcp"].is_object(), "{config}");
}

#[test]
fn a_file_that_only_knows_cmd() {
    let host = host::shared();
    let context = Context::new(
        "FROM mcr.microsoft.com/windows/servercore:ltsc2022\r\n\
         MAINTAINER somebody\r\n\
         ARG VERSION=1.2\r\n\
         WORKDIR /app\r\n\
         COPY . .\r\n\
         RUN if not exist logs mkdir logs && echo %VERSION%> version.txt\r\n\
         RUN for %f in (*.cmd) do @echo found %f\r\n\
         RUN [\"cmd\", \"/c\", \"copy\", \"version.txt\", \"logs\\\\was here.txt\"]\r\n\
         VOLUME C:\\\\data\r\n\
         CMD go.cmd one two\r\n",
    );
    context.file("go.cmd", "@echo off\r\nset /p V=<version.txt\r\necho v%V% %1-%2 in %CD%\r\n");
    let said = build(&host, &context, &["-t", "test/cmd-only:1"]).succeed().errors();
    assert!(said.contains("found go.cmd"), "{said}");
    around(&host, "test/cmd-only:1", |image| {
        let text = host.transom(&["run", "--rm", image]).succeed().text();
        assert_eq!(text.to_lowercase(), r"v1.2 one-two in c:\app");
    });
}

#[test]
fn a_file_with_its_own_shell_backslashes_caches_and_secrets() {
    let host = host::shared();
    let context = Context::new(
        r#"# escape=`
FROM transom/base
SHELL ["cmd.exe", "/V:ON", "/S", "/C"]
WORKDIR C:\build
COPY tools\*.cmd .\tools\
ENV TOOLS=C:\build\tools `
    CACHE="C:\build cache"
RUN --mount=type=cache,id=wild,target="C:\build cache",sharing=locked `
    --mount=type=secret,id=feed,env=FEED `
    set X=delayed&& if defined FEED echo !X! and fed && `
    call %TOOLS%\fetch.cmd "%CACHE%"
RUN --mount=type=cache,id=wild,target="C:\build cache",sharing=locked dir /b "%CACHE%"
SHELL ["cmd", "/S", "/C"]
COPY <<config.ini C:\build\
[app]
tools=$TOOLS
config.ini
ENTRYPOINT ["cmd", "/c", "type C:\\build\\config.ini"]
"#,
    );
    context.file("tools/fetch.cmd", "@echo off\r\necho package> \"%~1\\package.zip\"\r\n");
    context.file("tools/readme.md", "not copied");
    let mut flags = vec!["-t", "test/shell:1"];
    let secret = format!("id=feed,src={}", context.path("token"));
    context.file("token", "abcd1234");
    flags.extend(["--secret", &secret]);
    let said = build(&host, &context, &flags).succeed().errors();
    assert!(said.contains("delayed and fed") && said.contains("package.zip"), "{said}");
    around(&host, "test/shell:1", |image| {
        let text = host.transom(&["run", "--rm", image]).succeed().text();
        assert_eq!(text, "[app]\ntools=C:\\build\\tools");
    });
}

/// Runs an image, pushes it, lets skopeo look at it and copy it, pulls it by its digest, and runs it
/// again.
fn around(host: &Host, image: &str, run: impl Fn(&str)) {
    run(image);
    let registry = Registry::start();
    let name = registry.name(&image.replace(':', "-v:"));
    host.transom(&["tag", image, &name]).succeed();
    host.transom(&["push", &name]).succeed();
    let remote = format!("docker://{name}");
    let inspected = skopeo(&["inspect", "--tls-verify=false", &remote]);
    let inspected: Value = serde_json::from_str(&inspected).expect("skopeo prints JSON");
    assert_eq!(
        (&inspected["Os"], &inspected["Architecture"]),
        (&"windows".into(), &"amd64".into())
    );
    let config = skopeo(&["inspect", "--config", "--tls-verify=false", &remote]);
    check_config(&serde_json::from_str(&config).expect("skopeo prints JSON"));
    let folder = host.scratch();
    let copy = format!("oci:{}:copy", folder.path().join("copy").display());
    skopeo(&["copy", "--quiet", "--src-tls-verify=false", &remote, &copy]);
    assert!(Path::new(&folder.path().join("copy/index.json")).exists());
    let digest = inspected["Digest"].as_str().expect("a manifest has a digest").to_owned();
    let (repository, _) = name.rsplit_once(':').expect("it has a tag");
    let by_digest = format!("{repository}@{digest}");
    host.transom(&["rmi", &name]).succeed();
    host.transom(&["pull", &by_digest]).succeed();
    run(&by_digest);
    host.transom(&["rmi", &by_digest]).succeed();
}

/// The OCI image configuration's schema, and what it leaves out.
fn check_config(config: &Value) {
    schema::check("config-schema.json", config);
    let version = config["os.version"].as_str();
    assert!(version.is_some_and(|text| text.starts_with("10.0.")), "{config}");
    let ids = config["rootfs"]["diff_ids"].as_array().expect("it has layers");
    let history = config["history"].as_array().expect("it has a history");
    let made = history.iter().filter(|entry| entry["empty_layer"] != true).count();
    assert_eq!(ids.len(), made, "as many layers as the history tells of: {config}");
}
