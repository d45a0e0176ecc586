import { startProcess, takeTurns } from '../measure.js';

export const boot = {
  id: 'P8',
  what: 'import and boot, against a bare Nest application that also imports jose and undici',
  async run({ fresh }) {
    const side = (name) => async () => {
      const { milliseconds, megabytes, stop } = await startProcess('./booting.js', name);
      await stop();
      return { milliseconds, megabytes };
    };
    const sides = { floor: side('floor'), ours: side('ours'), 'openid-client': side('openid-client') };
    const figures = await takeTurns(sides, fresh);
    return [
      {
        figures,
        goals: [
          { name: 'ms more than the floor', value: figures.ours.milliseconds - figures.floor.milliseconds, most: 30 },
          { name: 'MB more than the floor', value: figures.ours.megabytes - figures.floor.megabytes, most: 6 },
        ],
      },
    ];
  },
};
