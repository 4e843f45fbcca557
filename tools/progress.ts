/** Reports a long step: started, still going, done. */
export interface Progress {
  /** Announces a step; the function returned ends it with a word for how it went. */
  start: (step: string) => (outcome: string) => void;
}

const terminalIntervalMs = 1_000;
const plainIntervalMs = 30_000;

/** One line with the elapsed time, rewritten in place on a terminal; elsewhere a plain line now and then. */
export function createProgress(stream: NodeJS.WriteStream): Progress {
  const terminal = stream.isTTY === true;
  return {
    start: (step) => {
      const startedAt = performance.now();
      const elapsed = () => `${Math.round((performance.now() - startedAt) / 1_000)} s`;
      const show = () =>
        stream.write(terminal ? `\r\u001b[K${step} ... ${elapsed()}` : `${step} ... ${elapsed()}\n`);
      show();
      const timer = setInterval(show, terminal ? terminalIntervalMs : plainIntervalMs);
      timer.unref();
      return (outcome) => {
        clearInterval(timer);
        stream.write(`${terminal ? '\r\u001b[K' : ''}${step}: ${outcome} (${elapsed()})\n`);
      };
    },
  };
}
