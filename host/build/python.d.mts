export declare const pythonPath: string;
