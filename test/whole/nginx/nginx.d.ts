export declare const nginxPath: string | undefined;

export declare class Nginx {
  readonly address: string;
  static start(upstream: string): Promise<Nginx>;
  close(): Promise<void>;
}
