/** Path of a test file → seconds of processor time that it took when last recorded. */
export declare function readSeconds(): Record<string, number>;
/** First digits of the flight image's SHA-256. */
export declare function flightImage(): string;
/** The commit of the sources; says so when files besides results differ from it. */
export declare function presentCommit(): string;
