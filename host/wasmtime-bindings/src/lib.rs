//! Wasmtime as a Node addon, cut to what Heliograph's engine needs: compile or load an image that
//! imports nothing, instantiate it, share its linear memory with JavaScript without a copy, call
//! its functions.
//!
//! ```text
//! options.rs   fuel and deadline → Wasmtime's configuration
//! program.rs   image ↔ machine code, compiled now or loaded from an earlier compilation
//! instance.rs  one store with one linear memory, its growth, and what JavaScript may hold of it
//! calls.rs     one bare Node function per export: the hot path
//! deadline.rs  the thread that lets wall-clock time pass for a store with a deadline
//! ```
//!
//! Must never: hand out linear memory that can move or be unmapped while JavaScript can reach it;
//! call back into JavaScript from a call; let wall-clock time decide anything unless a deadline was
//! asked for.
#![deny(unsafe_op_in_unsafe_fn)]
#![warn(clippy::undocumented_unsafe_blocks)]

mod calls;
mod deadline;
mod instance;
mod options;
mod program;

use napi_derive::napi;

/// The host refuses an addon with another number, as an older build is: raise it when what
/// JavaScript sees changes.
#[napi]
pub fn interface_version() -> u32 {
    1
}

/// Version of the Wasmtime inside.
#[napi]
pub fn wasmtime_version() -> &'static str {
    env!("WASMTIME_VERSION")
}
