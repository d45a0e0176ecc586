#!/usr/bin/env node
import { text } from 'node:stream/consumers';

import { run } from './doctor/command.js';
import { readCertificateEnd } from './doctor/server-examination.js';

process.exitCode = await run(
  {
    arguments: process.argv.slice(2),
    environment: process.env,
    folder: process.cwd(),
    input: () => text(process.stdin),
    load: (url) => import(url),
    print: (report) => process.stdout.write(`${report}\n`),
  },
  { now: Date.now, certificateEnd: readCertificateEnd },
);
