//! `--log-driver` and `--log-opt`.

use anyhow::{Context, Result, bail};
use spec::api::LogConfig;

/// What the options of a json-file log decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOptions {
    /// Rotate when a file would be larger; never when absent.
    pub max_size: Option<u64>,
    /// How many files there are at most, the newest included.
    pub max_file: u32,
}

/// Which driver it is, with an error naming what is wrong.
pub fn check_driver(config: &LogConfig) -> Result<Option<LogOptions>> {
    match config.driver.as_str() {
        "" | "json-file" => LogOptions::parse(config).map(Some),
        "none" if config.config.is_empty() => Ok(None),
        "none" => bail!("log driver none takes no options"),
        other => bail!("log driver \"{other}\" is not supported: use json-file or none"),
    }
}

impl LogOptions {
    fn parse(config: &LogConfig) -> Result<Self> {
        let mut options = Self { max_size: None, max_file: 1 };
        for (name, value) in &config.config {
            let wrong = || format!("invalid value of log option {name}: \"{value}\"");
            match name.as_str() {
                "max-size" if value == "-1" => options.max_size = None,
                "max-size" => {
                    let size = crate::settings::size::parse(value).with_context(wrong)?;
                    options.max_size = Some(size);
                }
                "max-file" => options.max_file = value.parse().with_context(wrong)?,
                other => bail!(
                    "log option \"{other}\" is not supported: json-file takes max-size and max-file"
                ),
            }
        }
        if options.max_file == 0 {
            bail!("log option max-file must be at least 1");
        }
        if options.max_size.is_some_and(|size| size == 0) {
            bail!("log option max-size must be greater than 0");
        }
        if options.max_file > 1 && options.max_size.is_none() {
            bail!("log option max-file needs max-size: nothing would ever be rotated");
        }
        Ok(options)
    }
}
