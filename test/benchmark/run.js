import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

import { boot } from './rows/boot.js';
import { guardCached, guardUncached, oneToken } from './rows/guard.js';
import { p1, p2 } from './rows/introspection.js';
import { jwt } from './rows/jwt.js';
import { latency } from './rows/latency.js';
import { login } from './rows/login.js';
import { memory } from './rows/memory.js';
import { protectedLogin } from './rows/protected-login.js';
import { refresh } from './rows/refresh.js';
import { session } from './rows/session.js';

const ROWS = [
  p1,
  p2,
  guardCached,
  guardUncached,
  jwt,
  oneToken,
  login,
  boot,
  memory,
  latency,
  session,
  refresh,
  protectedLogin,
];

const words = process.argv.slice(2);
const isQuick = words.includes('--quick');
const wanted = words.filter((word) => !word.startsWith('--'));
/** `fresh`: rounds that are each a process of their own. */
const settings = isQuick ? { rounds: 2, fresh: 1, scale: 0.1 } : { rounds: 5, fresh: 7, scale: 1 };

const number = (value) => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2));

function lineOf(name, figures) {
  const parts = Object.entries(figures).map(([figure, value]) => `${number(value)} ${UNITS[figure] ?? figure}`);
  return `    ${name.padEnd(24)} ${parts.join(', ')}`;
}

const UNITS = {
  bytes: 'bytes an entry',
  p50: 'ms p50',
  p99: 'ms p99',
  upstream: 'calls upstream a second',
  perSecond: '/s',
  cpu: 'µs CPU',
  calls: 'calls upstream',
  milliseconds: 'ms',
  megabytes: 'MB',
};

const machine = `${cpus().length} × ${cpus()[0].model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
console.log(
  `${machine}; medians of ${settings.rounds} rounds, ${settings.fresh} where each is a process, the sides taking turns\n`,
);

const report = { machine, date: new Date().toISOString(), ...settings, rows: [] };
for (const row of ROWS.filter(({ id }) => wanted.length === 0 || wanted.includes(id))) {
  process.stderr.write(`${row.id} is running …\r`);
  for (const { variant, figures, goals } of await row.run(settings)) {
    console.log(`${row.id} ${row.what}${variant ? `, ${variant}` : ''}`);
    Object.entries(figures).forEach(([name, values]) => console.log(lineOf(name, values)));
    for (const { name, value, least, most } of goals ?? []) {
      const isMet = least === undefined ? value <= most : value >= least;
      const goal = least === undefined ? `at most ${most}` : `at least ${least}`;
      console.log(`    ${isMet ? 'met ' : 'MISS'} ${number(value)} ${name} (${goal})`);
    }
    report.rows.push({ id: row.id, what: row.what, variant, figures, goals });
  }
}
writeFileSync(new URL('./results.json', import.meta.url), `${JSON.stringify(report, null, 2)}\n`);
process.exit(0);
