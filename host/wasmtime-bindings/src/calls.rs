//! One bare Node function per export. napi-rs's own closures gather arguments in a vector; a
//! simulation makes millions of calls a second, so here arguments go from Node's stack to
//! Wasmtime's without touching the heap.
use std::ffi::{CString, c_void};
use std::ptr;
use std::rc::Rc;

use napi::bindgen_prelude::{FromNapiValue, JsObjectValue, Object};
use napi::{Env, Result, sys};
use wasmtime::{Func, Store, Trap, TypedFunc, ValType, WasmParams};

use crate::deadline::DEADLINE_TICKS;
use crate::instance::{Shared, check};
use crate::options::{failed, refused};

/// `code` of the errors that a call throws.
const CODE_TRAP: &str = "FIRMWARE_TRAP";
const CODE_FUEL: &str = "FIRMWARE_FUEL";
const CODE_DEADLINE: &str = "FIRMWARE_DEADLINE";
const CODE_ARGUMENT: &str = "ERR_INVALID_ARG_TYPE";

/// What a function of JavaScript carries with it.
struct Call<P> {
    name: String,
    shared: Rc<Shared>,
    function: TypedFunc<P, i32>,
}

/// Gives a store what one call may take.
pub fn prepare(store: &mut Store<()>, fuel_per_call: Option<u64>, deadline_ms: Option<u32>) {
    if let Some(fuel) = fuel_per_call {
        store.set_fuel(fuel).expect("fuel is configured when a call has some");
    }
    if deadline_ms.is_some() {
        store.set_epoch_deadline(DEADLINE_TICKS);
    }
}

impl<P: WasmParams> Call<P> {
    #[inline]
    fn run(&self, env: sys::napi_env, params: P) -> sys::napi_value {
        let shared = &*self.shared;
        // No import leads back to JavaScript, so no call begins while another runs.
        let mut store = shared.store.borrow_mut();
        prepare(&mut store, shared.fuel_per_call, shared.deadline_ms);
        let result = self.function.call(&mut *store, params);
        if let Some(fuel) = shared.fuel_per_call {
            let left = store.get_fuel().expect("fuel is configured when a call has some");
            shared.fuel_used.set(fuel - left);
        }
        match result {
            Ok(value) => {
                let mut raw = ptr::null_mut();
                // SAFETY: `env` is the one that Node called us with.
                unsafe { sys::napi_create_int32(env, value, &mut raw) };
                raw
            }
            Err(error) => self.throw_trap(env, &error),
        }
    }

    #[cold]
    fn throw_trap(&self, env: sys::napi_env, error: &wasmtime::Error) -> sys::napi_value {
        let Self { name, shared, .. } = self;
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => {
                let budget = shared.fuel_per_call.unwrap_or_default();
                throw(env, CODE_FUEL, &format!("{name} took more than its budget of {budget} fuel"))
            }
            Some(Trap::Interrupt) => {
                let deadline_ms = shared.deadline_ms.unwrap_or_default();
                throw(env, CODE_DEADLINE, &format!("{name} did not return within {deadline_ms} ms"))
            }
            Some(trap) => throw(env, CODE_TRAP, &format!("{name}: {trap}")),
            None => throw(env, CODE_TRAP, &format!("{name}: {error:#}")),
        }
    }

    #[cold]
    fn throw_argument(&self, env: sys::napi_env, index: usize) -> sys::napi_value {
        throw(env, CODE_ARGUMENT, &format!("argument {} of {} is no number", index + 1, self.name))
    }
}

#[cold]
fn throw(env: sys::napi_env, code: &str, message: &str) -> sys::napi_value {
    let code = CString::new(code).unwrap_or_default();
    let message = CString::new(message).unwrap_or_default();
    // SAFETY: both strings outlive the call, which copies them.
    unsafe { sys::napi_throw_error(env, code.as_ptr(), message.as_ptr()) };
    ptr::null_mut()
}

const NO_VALUE: sys::napi_value = ptr::null_mut();

macro_rules! integer {
    ($name:ident) => {
        i32
    };
}

/// `$make` wraps an export of so many parameters; `$called` is what Node calls.
macro_rules! arity {
    ($make:ident, $called:ident, $count:literal, $($argument:ident)*) => {
        fn $make(env: &Env, name: &str, shared: &Rc<Shared>, function: Func) -> Result<sys::napi_value> {
            let typed = function.typed::<($(integer!($argument),)*), i32>(&*shared.store.borrow());
            let function = typed.map_err(|error| failed(name, &error))?;
            wrap(env, $called, Call { name: name.into(), shared: Rc::clone(shared), function })
        }

        extern "C" fn $called(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
            let mut count = $count;
            let mut given = [NO_VALUE; $count];
            let mut data = ptr::null_mut();
            // SAFETY: Node fills `given` up to `count`, with undefined where the caller gave fewer;
            // `data` is the Call that `wrap` bound.
            let call = unsafe {
                sys::napi_get_cb_info(env, info, &mut count, given.as_mut_ptr(), ptr::null_mut(), &mut data);
                &*data.cast::<Call<($(integer!($argument),)*)>>()
            };
            let mut values = [0_i32; $count];
            for (index, value) in values.iter_mut().enumerate() {
                // SAFETY: `given[index]` is a value of this call. Numbers above 2³¹ wrap, as
                // WebAssembly in JavaScript does it.
                let status = unsafe { sys::napi_get_value_int32(env, given[index], value) };
                if status != sys::Status::napi_ok {
                    return call.throw_argument(env, index);
                }
            }
            let [$($argument),*] = values;
            call.run(env, ($($argument,)*))
        }
    };
}

arity!(make_0, call_0, 0,);
arity!(make_1, call_1, 1, a);
arity!(make_2, call_2, 2, a b);
arity!(make_3, call_3, 3, a b c);
arity!(make_4, call_4, 4, a b c d);
arity!(make_5, call_5, 5, a b c d e);
arity!(make_6, call_6, 6, a b c d e f);
arity!(make_7, call_7, 7, a b c d e f g);
arity!(make_8, call_8, 8, a b c d e f g h);
arity!(make_9, call_9, 9, a b c d e f g h i);

type Maker = fn(&Env, &str, &Rc<Shared>, Func) -> Result<sys::napi_value>;
const MAKERS: [Maker; 10] = [make_0, make_1, make_2, make_3, make_4, make_5, make_6, make_7, make_8, make_9];

/// Makes a function of JavaScript that carries `call`, freed with it.
fn wrap<P>(
    env: &Env,
    called: extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value,
    call: Call<P>,
) -> Result<sys::napi_value> {
    let name = CString::new(call.name.as_str()).unwrap_or_default();
    let data = Box::into_raw(Box::new(call)).cast::<c_void>();
    let mut raw = ptr::null_mut();
    // SAFETY: `name` outlives the call; `data` is a Call of the type that `called` expects, and
    // `free` gives it back with the function.
    unsafe {
        let length = name.as_bytes().len() as isize;
        check(
            sys::napi_create_function(env.raw(), name.as_ptr(), length, Some(called), data, &mut raw),
            "no function",
        )?;
        check(
            sys::napi_add_finalizer(env.raw(), raw, data, Some(free::<P>), ptr::null_mut(), ptr::null_mut()),
            "no finaliser",
        )?;
    }
    Ok(raw)
}

extern "C" fn free<P>(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `data` came from Box::into_raw in `wrap`, and Node calls this once, when the function
    // was collected.
    drop(unsafe { Box::from_raw(data.cast::<Call<P>>()) });
}

/// All exported functions by name. Throws when one has a parameter or result other than i32:
/// firmware has none.
pub fn functions<'env>(env: &'env Env, shared: &Rc<Shared>, instance: &wasmtime::Instance) -> Result<Object<'env>> {
    let exports: Vec<(String, Func)> = {
        let mut store = shared.store.borrow_mut();
        let named = instance.exports(&mut *store).filter_map(|export| {
            let name = export.name().to_owned();
            export.into_func().map(|function| (name, function))
        });
        named.collect()
    };
    let mut object = Object::new(env)?;
    for (name, function) in exports {
        let kind = function.ty(&*shared.store.borrow());
        let whole = |mut types: Box<dyn Iterator<Item = ValType> + '_>| types.all(|each| matches!(each, ValType::I32));
        let maker = MAKERS.get(kind.params().len());
        let fits = whole(Box::new(kind.params())) && whole(Box::new(kind.results())) && kind.results().len() == 1;
        match maker {
            Some(make) if fits => {
                let raw = make(env, &name, shared, function)?;
                // SAFETY: `raw` is a function made in this scope.
                object.set_named_property(&name, unsafe { Object::from_napi_value(env.raw(), raw) }?)?;
            }
            _ => return Err(refused(format!("{name} is {kind}: firmware takes up to nine i32 and gives one"))),
        }
    }
    Ok(object)
}
