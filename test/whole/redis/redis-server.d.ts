export declare const redisServerPath: string | undefined;

export declare const PATIENT: { readonly commandTimeout: number };

export declare class RedisServer {
  readonly port: number;
  static start(...options: readonly string[]): Promise<RedisServer>;
  resurrect(): Promise<void>;
  kill(): Promise<void>;
  pause(): void;
  resume(): void;
}
