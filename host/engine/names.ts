/** The engines that run an image. Both give the same bytes; V8 is there wherever Node is. */
export const engineNames = ['v8', 'wasmtime'] as const;
export type EngineName = (typeof engineNames)[number];
export const defaultEngine: EngineName = 'v8';
