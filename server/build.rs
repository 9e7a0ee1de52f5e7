//! Gives the build an id, told to every page in `welcome`: an old page learns that there is a newer one.

use std::{env, time::SystemTime};

fn main() {
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=../app/src");
    println!("cargo:rerun-if-changed=../crates");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let id = env::var("SOURCE_DATE_EPOCH").unwrap_or_else(|_| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.map_or(0, |now| now.as_secs()).to_string()
    });
    println!("cargo:rustc-env=BUILD_ID={}-{id}", env!("CARGO_PKG_VERSION"));
}
