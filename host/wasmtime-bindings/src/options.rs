use napi::{Error, Result, Status};
use napi_derive::napi;
use wasmtime::Config;

/// What a call may take before a budget is set: less than i64::MAX, which is where Wasmtime splits
/// fuel in two.
const FUEL_UNLIMITED: u64 = 1 << 62;
/// A double holds every whole number up to here.
const WHOLE_NUMBER_MAX: f64 = 9_007_199_254_740_991.0;
/// The whole of a 32-bit address space, so that growth never moves the base.
const MEMORY_RESERVATION_BYTES: u64 = 1 << 32;
const MEMORY_GUARD_BYTES: u64 = 32 << 20;

#[napi(object)]
#[derive(Clone, Copy, Default)]
pub struct Options {
    /// Count fuel. Costs speed: every block of code adds to a counter.
    pub fuel: Option<bool>,
    /// A call that takes more fuel than this traps; counts fuel too. Whole number from 1.
    pub fuel_budget: Option<f64>,
    /// A call that has not returned after this many milliseconds of wall-clock time traps. From 1.
    pub deadline_ms: Option<u32>,
}

impl Options {
    /// Fuel given to every call; None when fuel is not counted.
    pub fn fuel_per_call(&self) -> Result<Option<u64>> {
        match self.fuel_budget {
            Some(budget) if budget.fract() == 0.0 && (1.0..=WHOLE_NUMBER_MAX).contains(&budget) => {
                Ok(Some(budget as u64))
            }
            Some(budget) => Err(refused(format!("fuelBudget is {budget}, not a whole number from 1"))),
            None if self.fuel == Some(true) => Ok(Some(FUEL_UNLIMITED)),
            None => Ok(None),
        }
    }

    pub fn deadline_ms(&self) -> Result<Option<u32>> {
        match self.deadline_ms {
            Some(0) => Err(refused("deadlineMs is 0, not a whole number from 1".into())),
            other => Ok(other),
        }
    }

    /// Two sets of options give the same machine code exactly when their `compatibility` is the
    /// same.
    pub fn configuration(&self) -> Result<Config> {
        let mut config = Config::new();
        config.consume_fuel(self.fuel_per_call()?.is_some());
        config.epoch_interruption(self.deadline_ms()?.is_some());
        config.memory_reservation(MEMORY_RESERVATION_BYTES);
        config.memory_guard_size(MEMORY_GUARD_BYTES);
        config.memory_may_move(false);
        // A trap is identified by its site (the firmware's trap_site), not by a stack of an
        // optimised image.
        config.wasm_backtrace_max_frames(None);
        Ok(config)
    }
}

pub fn refused(reason: String) -> Error {
    Error::new(Status::InvalidArg, reason)
}

pub fn failed(what: &str, error: &wasmtime::Error) -> Error {
    Error::new(Status::GenericFailure, format!("{what}: {error:#}"))
}
