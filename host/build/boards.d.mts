export declare const boardTools: Readonly<Record<string, string>>;
export declare function isInstalled(command: string, question?: string): boolean;
export declare function missingPackages(commands?: readonly string[]): string[];
export declare function installCommand(packages?: readonly string[]): string;
