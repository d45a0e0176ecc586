import { fork } from 'node:child_process';
import { once } from 'node:events';

/** The middle of the values. */
export function median(values) {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)];
}

/**
 * Runs an operation many times, so many at once.
 *
 * @returns operations a second, and microseconds of this process's CPU for each
 */
export async function load(operation, { operations, inFlight }) {
  let started = 0;
  const worker = async () => {
    while (started < operations) {
      started += 1;
      await operation(started);
    }
  };
  const cpu = process.cpuUsage();
  const begin = process.hrtime.bigint();
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: operations / seconds, cpu: (user + system) / operations };
}

/**
 * Does something while this process never sleeps. A server that answers a client which sleeps has to wake it, which takes
 * more of its time than all that a guard does, and happens the more often the slower the server is.
 */
export async function awake(work) {
  let isOver = false;
  const spin = () => isOver || setImmediate(spin);
  spin();
  try {
    return await work();
  } finally {
    isOver = true;
  }
}

/** Microseconds of CPU that an application of another process takes for each operation, and operations a second. */
export async function loadOf(application, operation, settings) {
  const before = await application.ask('cpu');
  const { perSecond } = await load(operation, settings);
  const after = await application.ask('cpu');
  return { perSecond, cpu: (after.cpu - before.cpu) / settings.operations };
}

/**
 * Measures several sides in turns.
 *
 * @param warmUps rounds before, which do not count; none where each round is a process that warms itself up
 * @param sides name → function of a round that returns figures
 * @returns name → the median of each figure
 */
export async function takeTurns(sides, rounds, warmUps = 1) {
  const results = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round < warmUps + rounds; round += 1) {
    for (const [name, measure] of Object.entries(sides)) {
      const figures = await measure();
      if (round >= warmUps) {
        results[name].push(figures);
      }
    }
  }
  return Object.fromEntries(
    Object.entries(results).map(([name, list]) => [
      name,
      Object.fromEntries(Object.keys(list[0]).map((figure) => [figure, median(list.map((one) => one[figure]))])),
    ]),
  );
}

/** A process of its own that says when it is ready, and answers questions. */
export async function startProcess(file, ...args) {
  const child = fork(new URL(file, import.meta.url), args.map(String), {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [ready] = await once(child, 'message');
  return {
    ...ready,
    async ask(question) {
      child.send(question);
      const [answer] = await once(child, 'message');
      return answer;
    },
    async stop() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}
