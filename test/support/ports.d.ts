export declare function freePort(): Promise<number>;
export declare function isListening(port: number): Promise<boolean>;
