/** The transform that asconfig.json names: the compiler finds it only beside that file. */
export { default } from './host/build/decorator_transform.mjs';
