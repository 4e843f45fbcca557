import type { Bus } from '#shared/bus/link/bus.ts';

/** Stands for a bus that never connects. */
export const absentBus: Bus = {
  connected: () => false,
  link: () => undefined,
  linked: () => new Promise(() => undefined),
  onReconnect: () => () => undefined,
  changeServer: () => undefined,
  fail: (err) => {
    throw err;
  },
  close: async () => undefined,
};
