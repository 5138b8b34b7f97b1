import loadHighs from 'highs';

/**
 * HiGHS, compiled to WebAssembly and loaded once: its factory is asynchronous, its `solve` is not.
 */
export const highs = await loadHighs();
