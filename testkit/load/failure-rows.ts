import type { ClientCounts, LoadClient, LoadFailure, LoadSummary } from './admission-load.ts';

const shownFailures = 20;
/** Share of its planned rate that a client keeps at least; a load that stalls sees nothing. */
const leastRateShare = 0.8;
const mostRepeatedShare = 0.001;

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

/** The clients that sent too slowly, one sentence each. `seconds` is how long the load ran. */
export function missedRates(
  planned: readonly LoadClient[],
  { clients }: Pick<LoadSummary, 'clients'>,
  seconds: number,
): string[] {
  return planned.flatMap(({ name, perSecond }) => {
    const answered = clients.find(({ client }) => client === name)?.answered ?? 0;
    const rate = answered / seconds;
    if (rate >= perSecond * leastRateShare) return [];
    return [`${name}: ${rate.toFixed(1)} requests a second, of ${perSecond} planned`];
  });
}

/** The clients that the gateways sent away to try again too often (503 and Retry-After), one sentence each. */
export const missedRepeats = ({ clients }: Pick<LoadSummary, 'clients'>): string[] =>
  clients
    .filter(({ answered, repeated }) => repeated > answered * mostRepeatedShare)
    .map(
      ({ client, answered, repeated }) =>
        `${client}: ${repeated} of ${answered} requests were sent again, as the gateway had asked`,
    );

/** Whether a CA that is not trusted has failed new connections, and requests through the API server. */
export function seesUntrusted(clients: readonly LoadClient[], failures: readonly LoadFailure[]): boolean {
  const untrusted = failures.filter(({ why }) => why.includes('unknown authority'));
  const kinds = new Set(
    clients.filter(({ name }) => untrusted.some(({ client }) => client === name)).map(({ kind }) => kind),
  );
  return kinds.has('fresh') && (kinds.has('dryRun') || kinds.has('api'));
}
