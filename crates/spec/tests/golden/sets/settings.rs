//! Sets about what `create` and `update` accept.

use serde_json::{Map, Value, json};
use spec::api::{Config, HostConfig};
use spec::create::{self, from_json};
use spec::process::Command;
use spec::{SpecError, update as updating, validate};

use crate::case::Case;
use crate::compare::{Failure, Outcome};
use crate::host::{CaseHost, facts};

pub(crate) fn createrequest(case: &Case) -> Outcome {
    match create::decode(case.input["body"].as_str().unwrap_or_default()) {
        Ok(request) => Outcome::ok(json!({
            "isolation": request.host_config.isolation,
            "networkMode": request.host_config.network_mode,
        })),
        Err(error) => failed(&error.into()),
    }
}

pub(crate) fn merge(case: &Case) -> Outcome {
    let config: Config = from_json(case.input["config"].clone()).expect("a config");
    let image = case.input.get("imageConfig").cloned();
    let image: Option<Config> = image.map(|image| from_json(image).expect("an image's config"));
    match create::merge(config, image.as_ref()) {
        Err(error) => failed(&create::Refused::from(error).into()),
        Ok(config) => {
            let command = Command::of(&config).expect("a merged config says what to run");
            let mut shown = serde_json::to_value(&config).expect("a config is JSON");
            if let Value::Object(members) = &mut shown {
                members.retain(|_, value| !value.as_object().is_some_and(Map::is_empty));
            }
            Outcome::ok(json!({
                "config": shown, "path": command.path, "args": command.args
            }))
        }
    }
}

/// What was normalised is shown also where a rule is broken later.
pub(crate) fn verify(case: &Case) -> Outcome {
    let given = |name: &str| case.input.get(name).filter(|value| !value.is_null()).cloned();
    let mut config: Option<Config> = given("config").map(|v| from_json(v).expect("a config"));
    let mut host: Option<HostConfig> = match given("hostConfig").map(from_json).transpose() {
        Ok(host) => host,
        Err(error) => return failed(&error.into()),
    };
    let mut warnings = Vec::new();
    let judged = judge(&mut config, &mut host, &mut warnings, &case.input);
    let mut output = json!({ "warnings": warnings });
    if let Some(config) = config {
        output["workingDirAfter"] = json!(config.working_dir);
    }
    if let Some(host) = host {
        output["cpuAfter"] = json!({
            "CpuCount": host.cpu_count, "CpuPercent": host.cpu_percent,
            "CpuShares": host.cpu_shares, "NanoCpus": host.nano_cpus,
        });
    }
    Outcome { output: Some(output), error: judged.err().map(|error| failure(&error)) }
}

fn judge(
    config: &mut Option<Config>,
    host: &mut Option<HostConfig>,
    warnings: &mut Vec<String>,
    input: &Value,
) -> Result<(), SpecError> {
    if let Some(config) = config {
        validate::config(config)?;
    }
    match host {
        Some(host) => validate::host_config_into(host, &facts(input), &CaseHost(input), warnings),
        None => Ok(()),
    }
}

pub(crate) fn update(case: &Case) -> Outcome {
    let config =
        |name: &str| -> HostConfig { from_json(case.input[name].clone()).expect("a host config") };
    // The cases call what comes behind the check of the policy.
    match updating::apply(&config("current"), &config("update")) {
        Ok(policy) => Outcome::ok(json!({ "restartPolicy": policy })),
        Err(error) => Outcome::failed(&error, error.class().http_status()),
    }
}

fn failed(error: &SpecError) -> Outcome {
    Outcome { output: None, error: Some(failure(error)) }
}

fn failure(error: &SpecError) -> Failure {
    Failure { message: error.to_string(), status: Some(error.class().http_status()) }
}
