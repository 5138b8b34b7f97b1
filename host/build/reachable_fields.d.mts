import type { Plugin } from 'esbuild';

export declare function withReachableFields(source: string, path: string): string;
export declare function reachableFields(root: string): Plugin;
