/** Builds one preset; with `withText` also the compiler's text output, dist/heliograph-<preset>.wat. */
export function compileFirmware(preset: string, withText?: boolean): Promise<unknown>;

/** Builds dist/signature.wasm. */
export function compileSignature(withText?: boolean): Promise<void>;
