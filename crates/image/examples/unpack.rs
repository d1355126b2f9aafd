//! Loads an archive of images into a store and unpacks them, telling how long each step took.
//!
//! `cargo run --release -p image --example unpack -- <archive> <root> <drive>`

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use image::{Quiet, Store};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let mut next = || arguments.next().ok_or("usage: unpack <archive> <root> <drive>");
    let (archive, root, drive) = (next()?, next()?, next()?);
    let store = Store::open(root).await?;
    let begin = Instant::now();
    let loaded = store.load(Box::new(std::fs::File::open(archive)?), Arc::new(Quiet)).await?;
    println!("load   {:.3} s", begin.elapsed().as_secs_f64());
    for image in loaded.iter().map(|loaded| &loaded.image) {
        let begin = Instant::now();
        let chain = store.unpack(image, &drive, Arc::new(Quiet)).await?;
        let layers = chain.folders.len();
        println!("unpack {:.3} s ({layers} layers)", begin.elapsed().as_secs_f64());
    }
    Ok(())
}
