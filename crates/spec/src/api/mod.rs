//! What a caller asks for, in the Docker Engine API's own JSON.
//!
//! Values are kept as asked: nothing here is checked, defaulted or normalised. [`crate::create`]
//! decodes and completes them, [`crate::validate`] judges them, [`crate::build()`] turns them into a spec.

mod config;
mod host_config;
mod image;
mod mount;
mod name_set;
mod networking;

pub use config::{Config, Healthcheck};
pub use host_config::{
    ConsoleSize, DeviceMapping, HostConfig, LogConfig, PortBinding, PortMap, RestartPolicy,
    ThrottleDevice, Ulimit, WeightDevice,
};
pub use image::ImageConfig;
pub use mount::{BindOptions, Driver, Mount, VolumeOptions};
pub use name_set::NameSet;
pub use networking::{EndpointIpam, EndpointSettings, NetworkMode, NetworkingConfig};
