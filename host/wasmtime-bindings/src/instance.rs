use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;

use napi::bindgen_prelude::{FromNapiValue, Object};
use napi::{Env, Error, Result, Status, sys};
use napi_derive::napi;
use wasmtime::{Memory, Module, Store};

use crate::calls;
use crate::options::{Options, failed, refused};

/// Shared by the instance, each of its functions and each view of its memory: it lives until
/// JavaScript has released all of them.
pub struct Shared {
    pub store: RefCell<Store<()>>,
    pub memory: Memory,
    /// Fuel that a call begins with; None: not counted.
    pub fuel_per_call: Option<u64>,
    pub deadline_ms: Option<u32>,
    /// Fuel that the last call took.
    pub fuel_used: Cell<u64>,
}

/// One instance of an image. Bound to the thread that made it, as everything of JavaScript is.
#[napi]
pub struct Instance {
    shared: Rc<Shared>,
    instance: wasmtime::Instance,
    /// The ArrayBuffer handed out last: detached when the memory grows, as WebAssembly.Memory does
    /// it.
    view: Cell<sys::napi_ref>,
    env: sys::napi_env,
}

impl Drop for Instance {
    fn drop(&mut self) {
        let reference = self.view.replace(ptr::null_mut());
        if !reference.is_null() {
            // SAFETY: dropped by Node's finaliser, on the thread and in the environment that made
            // it; the view itself lives on.
            unsafe { sys::napi_delete_reference(self.env, reference) };
        }
    }
}

impl Instance {
    pub fn of(env: &Env, module: &Module, options: &Options) -> Result<Self> {
        let (fuel_per_call, deadline_ms) = (options.fuel_per_call()?, options.deadline_ms()?);
        let mut store = Store::new(module.engine(), ());
        // A start function is a call like any other.
        calls::prepare(&mut store, fuel_per_call, deadline_ms);
        let instance = wasmtime::Instance::new(&mut store, module, &[])
            .map_err(|error| failed("the image does not start", &error))?;
        let memory = instance.get_memory(&mut store, "memory");
        let memory = memory.ok_or_else(|| refused("the image exports no memory".into()))?;
        let shared = Shared { store: RefCell::new(store), memory, fuel_per_call, deadline_ms, fuel_used: Cell::new(0) };
        Ok(Self { shared: Rc::new(shared), instance, view: Cell::new(ptr::null_mut()), env: env.raw() })
    }
}

#[napi]
impl Instance {
    /// An object with one function per exported function.
    #[napi]
    pub fn functions<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        calls::functions(env, &self.shared, &self.instance)
    }

    /// Linear memory itself as an ArrayBuffer; detaches the one handed out before, and is good
    /// until `grow`.
    #[napi]
    pub fn buffer<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.detach(env)?;
        let raw = external_buffer(env, &self.shared)?;
        let mut reference = ptr::null_mut();
        // SAFETY: `raw` was made a line above, in this scope. A count of 0 makes a weak reference:
        // views die as JavaScript likes.
        check(unsafe { sys::napi_create_reference(env.raw(), raw, 0, &mut reference) }, "no reference to the view")?;
        self.view.set(reference);
        // SAFETY: as above.
        unsafe { Object::from_napi_value(env.raw(), raw) }
    }

    /// Adds pages of 65,536 zeroed bytes and detaches the ArrayBuffer handed out before. Throws,
    /// leaving all as it was, when the memory's maximum would be passed.
    #[napi]
    pub fn grow(&self, env: &Env, pages: u32) -> Result<()> {
        let grown = self.shared.memory.grow(&mut *self.shared.store.borrow_mut(), u64::from(pages));
        grown.map_err(|error| failed("linear memory does not grow", &error))?;
        self.detach(env)
    }

    /// Fuel that the last call took, also one that trapped; 0 when fuel is not counted.
    #[napi]
    pub fn fuel_used(&self) -> f64 {
        self.shared.fuel_used.get() as f64
    }

    fn detach(&self, env: &Env) -> Result<()> {
        let reference = self.view.replace(ptr::null_mut());
        if reference.is_null() {
            return Ok(());
        }
        let mut view = ptr::null_mut();
        // SAFETY: the reference is ours and of this environment; it is given up once, here.
        unsafe {
            check(sys::napi_get_reference_value(env.raw(), reference, &mut view), "no view")?;
            if !view.is_null() {
                check(sys::napi_detach_arraybuffer(env.raw(), view), "the view does not detach")?;
            }
            check(sys::napi_delete_reference(env.raw(), reference), "the view is not given up")
        }
    }
}

pub fn check(status: sys::napi_status, what: &str) -> Result<()> {
    if status == sys::Status::napi_ok {
        return Ok(());
    }
    Err(Error::new(Status::from(status), format!("{what}: Node says {}", Status::from(status))))
}

/// Without copying: napi-rs would fall back to a copy where Node forbids outside memory, and a copy
/// is not the memory.
fn external_buffer(env: &Env, shared: &Rc<Shared>) -> Result<sys::napi_value> {
    let (data, length) = {
        let store = shared.store.borrow();
        (shared.memory.data_ptr(&*store), shared.memory.data_size(&*store))
    };
    let held = Rc::into_raw(Rc::clone(shared)).cast_mut().cast::<c_void>();
    let mut raw = ptr::null_mut();
    // SAFETY: the memory stays where it is while the store lives (memory_may_move is off) and never
    // shrinks; `held` keeps the store alive until `let_go`, which Node calls on this thread once
    // nothing can reach the buffer.
    let status =
        unsafe { sys::napi_create_external_arraybuffer(env.raw(), data.cast(), length, Some(let_go), held, &mut raw) };
    if status != sys::Status::napi_ok {
        // SAFETY: Node calls no finaliser for a buffer that it did not make.
        drop(unsafe { Rc::from_raw(held.cast::<Shared>()) });
    }
    check(status, "linear memory cannot be shared with this Node")?;
    Ok(raw)
}

extern "C" fn let_go(_env: sys::napi_env, _data: *mut c_void, held: *mut c_void) {
    // SAFETY: `held` came from Rc::into_raw in external_buffer, and Node calls this once.
    drop(unsafe { Rc::from_raw(held.cast::<Shared>()) });
}
