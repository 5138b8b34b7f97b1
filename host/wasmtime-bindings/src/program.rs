use std::hash::{DefaultHasher, Hash, Hasher};

use napi::bindgen_prelude::{Buffer, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use wasmtime::{Engine, Module};

use crate::deadline::keep_time;
use crate::instance::Instance;
use crate::options::{Options, failed, refused};

fn engine_of(options: &Options) -> Result<Engine> {
    Engine::new(&options.configuration()?).map_err(|error| failed("no Wasmtime on this machine", &error))
}

/// A word that differs whenever machine code compiled elsewhere, by another Wasmtime or under other
/// options would not fit here.
#[napi]
pub fn compatibility(options: Options) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    engine_of(&options)?.precompile_compatibility_hash().hash(&mut hasher);
    Ok(format!("{}-{:016x}", env!("WASMTIME_VERSION"), hasher.finish()))
}

/// An image as machine code, from which any number of instances are made.
#[napi]
pub struct Program {
    module: Module,
    options: Options,
}

#[napi]
impl Program {
    /// Compiles an image. Throws when it is not valid WebAssembly, imports anything, or exports no
    /// memory.
    #[napi(factory)]
    pub fn compile(image: Uint8Array, options: Options) -> Result<Self> {
        let engine = engine_of(&options)?;
        let module = Module::new(&engine, &image[..]).map_err(|error| failed("the image does not compile", &error))?;
        Self::of(module, options)
    }

    /// Takes what `serialize` gave. Throws when another Wasmtime, processor or set of options made
    /// it.
    ///
    /// The bytes are run as machine code and not proven harmless: the caller answers for it that
    /// they are unchanged since `serialize` (host/engine/precompiled.ts keeps a digest beside
    /// them).
    #[napi(factory)]
    pub fn load(precompiled: Uint8Array, options: Options) -> Result<Self> {
        let engine = engine_of(&options)?;
        // SAFETY: passed on to the caller, as said above; Wasmtime checks version, target and
        // options by itself.
        let module = unsafe { Module::deserialize(&engine, &precompiled[..]) };
        Self::of(module.map_err(|error| failed("the precompiled image does not fit", &error))?, options)
    }

    fn of(module: Module, options: Options) -> Result<Self> {
        if let Some(import) = module.imports().next() {
            let name = format!("{}.{}", import.module(), import.name());
            return Err(refused(format!("the image imports {name}: firmware must import nothing")));
        }
        if let Some(deadline_ms) = options.deadline_ms()? {
            keep_time(module.engine(), deadline_ms);
        }
        Ok(Self { module, options })
    }

    /// The machine code, for `load`.
    #[napi]
    pub fn serialize(&self) -> Result<Buffer> {
        let bytes = self.module.serialize().map_err(|error| failed("the image cannot be kept", &error))?;
        Ok(bytes.into())
    }

    /// A fresh instance with zeroed memory of its own.
    #[napi]
    pub fn instantiate(&self, env: &Env) -> Result<Instance> {
        Instance::of(env, &self.module, &self.options)
    }
}
