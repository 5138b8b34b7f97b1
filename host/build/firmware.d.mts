/** Builds one image; with `withText` also its text form, dist/heliograph-<image>.wat. */
export function compileFirmware(image: string, withText?: boolean): Promise<unknown>;

/** Builds dist/signature.wasm. */
export function compileSignature(withText?: boolean): Promise<void>;
