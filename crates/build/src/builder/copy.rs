//! `COPY`: what is selected, and where it goes. `add` is what `ADD` can do beyond it.

use engine::Engine;
use resources::Host;

use super::layers::{Files, Work, working_dir};
use super::stages::Stages;
use super::state::State;
use crate::dockerfile::{Copy, Fault, Step, expand_text, unquote};
use crate::error::{BuildError, Cause};
use crate::executor::RunError;
use crate::files::{CopyError, Filter, Kept, Selection};
use crate::ignore::Ignore;
use crate::paths;

type Result<T> = std::result::Result<T, Cause>;

impl<E: Engine, H: Host> Stages<'_, E, H> {
    pub(super) async fn copy(
        &self,
        state: &State,
        at: usize,
        copy: &Copy,
        step: &Step,
    ) -> Result<(Work, String)> {
        let mut files = self.destination(state, copy, step).await?;
        let exclude = self.exclude(state, copy, step)?;
        let origin = self.origin(at, copy.from.as_deref(), step.line).await?;
        let filter = Filter { hidden: origin.hidden, exclude };
        let sources = self.sources(state, copy, step)?;
        files.selection = crate::blocking(move || {
            let mut selection = files.selection;
            for (pattern, kept) in sources {
                selection.source(&origin.view, &pattern, &filter, kept)?;
            }
            selection.keep_descriptors(&origin.view)?;
            Ok::<_, CopyError>(selection)
        })
        .await?;
        heredocs(state, copy, step, &mut files.selection)?;
        Ok((Work::Files(files), format!("{} # buildkit", step.text)))
    }

    /// Where everything goes and whose it becomes; nothing is selected yet.
    pub(super) async fn destination(
        &self,
        state: &State,
        copy: &Copy,
        step: &Step,
    ) -> Result<Files> {
        if let Some(mode) = &copy.chmod {
            let rule = format!(
                "--chmod={mode} means nothing on Windows, which has access lists: leave it out"
            );
            return Err(Fault::new(step.line, rule).into());
        }
        let written = self.word(state, &copy.destination, step.line).map_err(fault_of)?;
        let destination = paths::destination(&working_dir(state), &written)?;
        let many = copy.sources.len() + copy.heredocs.len() > 1;
        if many && !destination.ends_with('/') {
            return Err(CopyError::NotADirectory.into());
        }
        let owner = match &copy.chown {
            None => None,
            Some(name) => {
                let name = self.word(state, name, step.line).map_err(fault_of)?;
                Some(self.account(state, &name, step.line).await?)
            }
        };
        let selection = Selection::into_directory(destination.ends_with('/')).owned_by(owner);
        Ok(Files { selection, destination, alone: copy.link, held: Vec::new() })
    }

    pub(super) fn exclude(&self, state: &State, copy: &Copy, step: &Step) -> Result<Ignore> {
        let patterns: std::result::Result<Vec<String>, BuildError> =
            copy.exclude.iter().map(|pattern| self.word(state, pattern, step.line)).collect();
        let patterns = patterns.map_err(fault_of)?;
        Ok(Ignore::of(&patterns).map_err(|error| Fault::new(step.line, error.to_string()))?)
    }

    /// What is copied, and how much of its path.
    fn sources(&self, state: &State, copy: &Copy, step: &Step) -> Result<Vec<(String, Kept)>> {
        let source = |source: &String| {
            let written = self.word(state, source, step.line).map_err(fault_of)?;
            let kept = if copy.parents { Kept::PathAfter(pivot(&written)?) } else { Kept::Name };
            Ok((paths::source(&written)?, kept))
        };
        copy.sources.iter().map(source).collect()
    }
}

/// Files whose text stands in the Dockerfile.
pub(super) fn heredocs(
    state: &State,
    copy: &Copy,
    step: &Step,
    selection: &mut Selection,
) -> Result<()> {
    for heredoc in &copy.heredocs {
        let text = if heredoc.expand {
            word_of_heredoc(state, &heredoc.content, step.line)?
        } else {
            heredoc.content.clone()
        };
        selection.text(&unquote(&heredoc.name, '\\', step.line)?, text);
    }
    Ok(())
}

/// How many elements stand before the `/./` of a path.
fn pivot(written: &str) -> Result<usize> {
    let slashed = written.replace('\\', "/");
    let Some((before, _)) = slashed.split_once("/./") else { return Ok(0) };
    Ok(crate::view::parts(&paths::source(before)?).count())
}

/// In heredocs the escape character is always the same.
fn word_of_heredoc(state: &State, text: &str, line: usize) -> Result<String> {
    let names = |name: &str| state.value(name);
    Ok(expand_text(text, '\\', &names, line)?)
}

pub(super) fn fault_of(error: BuildError) -> Cause {
    match error {
        BuildError::Fault(fault) => Cause::Fault(fault),
        BuildError::Stopped => Cause::Run(Box::new(RunError::NotStarted)),
        other => Cause::Fault(Fault::new(0, other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pivot_is_counted_in_elements() {
        for (written, skipped) in
            [("a/b/c.txt", 0), ("a/./b/c.txt", 1), (r"C:\x\y\.\z", 2), ("./a/./b", 1), ("/./a", 0)]
        {
            assert_eq!(pivot(written).unwrap(), skipped, "{written}");
        }
    }
}
