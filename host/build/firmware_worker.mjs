/** Compiles one target of asconfig.json: {target, withText}. An error ends the thread. */
import { workerData } from 'node:worker_threads';
import { compileFirmware, compileSignature } from './firmware.mjs';

const { target, withText } = workerData;
await (target === 'signature' ? compileSignature(withText) : compileFirmware(target, withText));
