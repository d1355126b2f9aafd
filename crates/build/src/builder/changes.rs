//! Changes to an image's configuration, in the Dockerfile's words: `commit -c` and `import -c`.

use std::collections::BTreeMap;

use image::ImageConfig;

use super::metadata::Scope;
use super::state::State;
use crate::classic;
use crate::dockerfile::{Dockerfile, Fault, Instruction};
use crate::error::BuildError;

/// Changes `config` as these instructions say; a refused one names itself.
pub fn change(config: ImageConfig, changes: &[String]) -> Result<ImageConfig, BuildError> {
    let history = config.history.clone();
    let mut state = State { config, ..State::default() };
    for change in changes {
        let refuse = |rule: String| Fault::new(0, format!("invalid change `{change}`: {rule}"));
        let file = Dockerfile::parse(&format!("FROM scratch\n{change}\n"))
            .map_err(|fault| refuse(fault.rule))?;
        if file.stages.len() != 1 {
            return Err(refuse("FROM is not a valid change command".to_owned()).into());
        }
        let scope = Scope { escape: file.directives.escape, given: &BTreeMap::new(), globals: &[] };
        for step in file.stages.iter().flat_map(|stage| &stage.steps) {
            match &step.instruction {
                // Docker's older rules hold here: the path keeps its drive.
                Instruction::Workdir(path) => {
                    let current = state.config.config.working_dir.clone().unwrap_or_default();
                    let path = classic::workdir(&current, path);
                    let path = path.map_err(|error| refuse(error.to_string()))?;
                    state.config.config.working_dir = Some(path);
                }
                Instruction::Arg(_)
                | Instruction::Run(_)
                | Instruction::Copy(_)
                | Instruction::Add(_)
                | Instruction::From(_)
                | Instruction::Maintainer(_)
                | Instruction::Shell(_) => {
                    let name = step.text.split_whitespace().next().unwrap_or_default();
                    return Err(refuse(format!("{name} is not a valid change command")).into());
                }
                _ => drop(scope.apply(&mut state, step)?),
            }
        }
    }
    // Docker tells of a commit in one line, whatever it changed.
    Ok(ImageConfig { history, ..state.config })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(changes: &[&str]) -> Result<ImageConfig, BuildError> {
        let changes: Vec<String> = changes.iter().map(|&change| change.to_owned()).collect();
        change(ImageConfig::default(), &changes)
    }

    #[test]
    fn changes_are_those_of_a_dockerfile() {
        let config = changed(&[
            "ENV a=b c=d",
            r#"CMD ["x", "y z"]"#,
            "LABEL k=v",
            r"WORKDIR c:\\app",
            "EXPOSE 80",
            "USER ContainerUser",
        ])
        .unwrap();
        assert_eq!(config.config.env.unwrap(), ["a=b", "c=d"]);
        assert_eq!(config.config.cmd.unwrap(), ["x", "y z"]);
        assert_eq!(config.config.working_dir.unwrap(), r"C:\app");
        assert!(config.config.exposed_ports.unwrap().contains_key("80/tcp"));
        assert!(config.history.is_empty());
    }

    #[test]
    fn what_makes_a_layer_is_no_change() {
        for (change, wanted) in [
            ("RUN x", "RUN is not a valid change command"),
            ("COPY a b", "COPY is not a valid change command"),
            ("FROM x", "FROM is not a valid change command"),
            ("FRO x", "unknown instruction"),
        ] {
            let error = changed(&[change]).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
