//! Links as a Node addon, and passes the code the version of Wasmtime the lock file names.
use std::fs;

fn main() {
    napi_build::setup();
    let lock = fs::read_to_string("Cargo.lock").expect("Cargo.lock lies beside build.rs");
    let package = lock.split("[[package]]").find(|entry| entry.contains("name = \"wasmtime\"\n"));
    let version = package.and_then(|entry| entry.split("version = \"").nth(1)).and_then(|rest| rest.split('"').next());
    println!("cargo:rerun-if-changed=Cargo.lock");
    println!("cargo:rustc-env=WASMTIME_VERSION={}", version.expect("Cargo.lock names wasmtime"));
}
