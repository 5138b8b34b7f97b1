use std::thread;
use std::time::Duration;

use wasmtime::Engine;

/// Ticks that make up a deadline. The first may be short, so a call ends between `deadline` and
/// `deadline` + 1/8 after it began.
pub const DEADLINE_TICKS: u64 = 9;

/// Advances the engine's interruption `epoch` until the engine is dropped: once per engine, for all
/// its instances. A store asks for DEADLINE_TICKS at the beginning of each call.
pub fn keep_time(engine: &Engine, deadline_ms: u32) {
    let tick = Duration::from_micros(u64::from(deadline_ms) * 1000 / (DEADLINE_TICKS - 1));
    let engine = engine.weak();
    thread::spawn(move || {
        loop {
            thread::sleep(tick);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    });
}
