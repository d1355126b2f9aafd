//! Every setting that this host can honour takes effect in a real container; the others are
//! refused with the reason.

mod flags;
mod health;
mod names;
mod processors;
mod records;
mod resolver;
mod restart;
mod volumes;
