import type { ClientCounts, LoadFailure, LoadSummary } from './admission-load.ts';

const shownFailures = 20;

/** All clients of a load together. */
export const answeredBy = ({ clients }: LoadSummary): number =>
  clients.reduce((sum, { answered }) => sum + answered, 0);

/** One row a client. */
export const clientRows = ({ clients }: LoadSummary): ClientCounts[] => [...clients];

/** Says the first failures as they happen. */
export function createFailureTeller(say: (line: string) => void): (failure: LoadFailure) => void {
  let told = 0;
  return ({ client, case: name, why }) => {
    told += 1;
    if (told <= shownFailures) say(`failed: ${client}, ${name}: ${why}`);
  };
}

/** The first failures for a person: when, since the load began, of whom, and why. */
export const failureRows = (failures: readonly LoadFailure[], startedAtMs: number): object[] =>
  failures
    .slice(0, shownFailures)
    .map(({ client, case: name, sentAtMs, failedAtMs, localPort, reused, why }) => ({
      at: `${((sentAtMs - startedAtMs) / 1_000).toFixed(2)} s`,
      tookMs: Math.round(failedAtMs - sentAtMs),
      client,
      case: name,
      connection: `${localPort}${reused ? '' : ' new'}`,
      why: why.slice(0, 160),
    }));
