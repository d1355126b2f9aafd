//! The container's config over the image's.

use thiserror::Error;

use crate::api::{Config, Healthcheck};
use crate::env;

/// Neither the container nor its image says what to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no command specified")]
pub struct NoCommand;

/// Fills what `config` leaves open from the image's config.
///
/// [`Config::args_escaped`] is not touched here: [`super::prepare`] switches it on.
pub fn merge(config: Config, image: Option<&Config>) -> Result<Config, NoCommand> {
    let mut merged = match image {
        Some(image) => over(config, image),
        None => config,
    };
    // One empty word clears the image's entrypoint, without taking over its command.
    if merged.entrypoint.as_deref().is_some_and(|words| matches!(words, [word] if word.is_empty()))
    {
        merged.entrypoint = None;
    }
    let entrypoint = merged.entrypoint.as_deref().unwrap_or_default();
    if entrypoint.is_empty() && merged.cmd.is_empty() { Err(NoCommand) } else { Ok(merged) }
}

fn over(mut config: Config, image: &Config) -> Config {
    command(&mut config, image);
    or(&mut config.user, &image.user);
    or(&mut config.working_dir, &image.working_dir);
    or(&mut config.stop_signal, &image.stop_signal);
    config.exposed_ports.0.extend(image.exposed_ports.0.iter().cloned());
    for (label, value) in &image.labels {
        config.labels.entry(label.clone()).or_insert_with(|| value.clone());
    }
    config.volumes.0.extend(image.volumes.0.iter().cloned());
    config.env = env::merge(config.env, &image.env);
    config.healthcheck = health(config.healthcheck.take(), image.healthcheck.as_ref());
    config
}

/// An entrypoint of the container's own discards both of the image's; an empty list clears the
/// image's entrypoint and still takes over its command.
fn command(config: &mut Config, image: &Config) {
    if config.entrypoint.as_ref().is_some_and(|words| !words.is_empty()) {
        return;
    }
    if config.cmd.is_empty() {
        config.cmd.clone_from(&image.cmd);
    }
    if config.entrypoint.is_none() {
        config.entrypoint.clone_from(&image.entrypoint);
    }
}

fn health(own: Option<Healthcheck>, image: Option<&Healthcheck>) -> Option<Healthcheck> {
    let (Some(own), Some(image)) = (own.as_ref(), image) else {
        return own.or_else(|| image.cloned());
    };
    let or = |own: i64, image: i64| if own == 0 { image } else { own };
    Some(Healthcheck {
        test: if own.test.is_empty() { image.test.clone() } else { own.test.clone() },
        interval: or(own.interval, image.interval),
        timeout: or(own.timeout, image.timeout),
        start_period: or(own.start_period, image.start_period),
        start_interval: or(own.start_interval, image.start_interval),
        retries: or(own.retries, image.retries),
    })
}

fn or(own: &mut String, image: &str) {
    if own.is_empty() {
        image.clone_into(own);
    }
}
