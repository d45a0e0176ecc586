import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { freePort, isListening } from '../../support/ports.js';

/** Where an nginx of this machine stands; `NGINX` names another one. */
const places = [
  process.env.NGINX,
  '/usr/sbin/nginx',
  '/usr/local/sbin/nginx',
  '/usr/local/bin/nginx',
  '/opt/homebrew/bin/nginx',
];

/** The path of an nginx, or `undefined` when there is none: the tests in this folder then can not run. */
export const nginxPath = places.find((place) => place && existsSync(place));

/** What nginx writes while it works. */
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/**
 * The settings of Debian's `nginx.conf` for HTTP and of its `proxy_params`, and nothing about buffers. Only the files are in
 * a folder of the test's own.
 */
const configuration = (folder, port, upstream) => `
  daemon off;
  worker_processes 1;
  pid ${folder}/nginx.pid;
  events {
    worker_connections 768;
  }
  http {
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    default_type application/octet-stream;
    access_log off;
    gzip on;
    ${TEMPORARY.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n    ')}
    server {
      listen 127.0.0.1:${port};
      server_name _;
      location / {
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_pass ${upstream};
      }
      location /only-by-the-application/ {
        internal;
        return 200 "of nginx";
      }
    }
  }
`;

/** An nginx of the tests' own, on a free loopback port, in front of one server. */
export class Nginx {
  #process;
  #folder;

  static async start(upstream) {
    const nginx = new Nginx();
    const port = await freePort();
    nginx.address = `http://127.0.0.1:${port}`;
    nginx.#folder = await mkdtemp(join(tmpdir(), 'oidc-nginx-'));
    // Its workers may run as another user.
    await chmod(nginx.#folder, 0o755);
    const file = join(nginx.#folder, 'nginx.conf');
    await writeFile(file, configuration(nginx.#folder, port, upstream));
    const log = join(nginx.#folder, 'error.log');
    nginx.#process = spawn(nginxPath, ['-e', log, '-c', file], { stdio: 'ignore' });
    while (!(await isListening(port))) {
      if (nginx.#process.exitCode !== null) {
        throw new Error(`nginx did not start: see ${log}`);
      }
      await setTimeout(10);
    }
    return nginx;
  }

  async close() {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
    await rm(this.#folder, { recursive: true });
  }
}
