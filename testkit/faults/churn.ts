import { waitFor } from '#testkit/processes/wait-for.ts';
import type { ChangingSecret } from './changing-secret.ts';

/** The churning Secret keeps each state for longer than an answer may lag behind. */
const churnMs = 2_500;

/** Creates, changes and deletes a Secret for as long as it is not stopped, each state for a while. */
export function startChurn(secret: ChangingSecret): { stop(): Promise<void> } {
  const steps = [
    () => secret.setKey(false),
    () => secret.setKey(true),
    () => secret.delete(),
    () => secret.create(),
  ];
  let stopped = false;
  const run = async (): Promise<void> => {
    for (let step = 0; !stopped; step += 1) {
      await steps[step % steps.length]?.();
      const sinceMs = performance.now();
      await waitFor(() => stopped || performance.now() - sinceMs > churnMs, {
        timeoutMs: churnMs * 4,
        what: 'the next change of the churning Secret',
      });
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopped = true;
      await running;
    },
  };
}
