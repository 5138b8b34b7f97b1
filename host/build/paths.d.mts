export declare const root: string;
export declare function imagePath(image: string): string;
export declare function constantsPath(image: string): string;
export declare function filesBelow(folder: string, endings: readonly string[]): string[];
export declare function firmwareInputs(): string[];
export declare function stampOf(paths: readonly string[]): string;
export declare function fromRoot(path: string): string;
