import { runGoClient } from '../go-client.ts';
import type { GatewayProcess } from './gateway-process.ts';

const sampleMs = 500;

/** What is offered for a time. */
export interface Phase {
  name: string;
  /** Calls in progress at most. */
  seats: number;
  /** New calls a second; absent: each seat calls again as soon as it is answered. */
  perSecond?: number;
  /** On 503 a call keeps its seat and waits as `Retry-After` says. */
  backsOff?: boolean;
  seconds: number;
}

/** What tools/overload prints; there the fields are described. */
interface LoadResult {
  seconds: number;
  offered: number;
  attempts: number;
  accepted: number;
  shed: number;
  timedOut: number;
  failed: number;
  failures: Readonly<Record<string, number>>;
  p50Ms: number;
  p99Ms: number;
  attemptP99Ms: number;
}

/** One line of the table. */
export interface PhaseRow {
  name: string;
  seats: number;
  'offered/s': number;
  'attempts/s': number;
  'accepted/s': number;
  'shed/s': number;
  'accepted/CPU s': number;
  /** Calls without an answer in time, and with another than 200 or 503. */
  timedOut: number;
  failed: number;
  p50Ms: number;
  p99Ms: number;
  attemptP99Ms: number;
  /** Resident memory: the most, and how much more in the last third than in the middle one. */
  peakMib: number;
  growthMib: number;
}

/** Resident memory of the gateway while `work` goes on. */
async function watchMemory<T>(
  gateway: GatewayProcess,
  work: Promise<T>,
): Promise<{ result: T; peakMib: number; growthMib: number }> {
  const samples: number[] = [];
  const timer = setInterval(async () => {
    samples.push(await gateway.residentMib().catch(() => 0));
  }, sampleMs);
  try {
    const result = await work;
    const third = Math.floor(samples.length / 3);
    const growthMib = Math.max(0, ...samples.slice(-third)) - Math.max(0, ...samples.slice(third, -third));
    return { result, peakMib: Math.max(0, ...samples), growthMib };
  } finally {
    clearInterval(timer);
  }
}

/** Runs phases against one gateway, each with the same request. */
export function overloadPhases(options: {
  /** The Go client. */
  program: string;
  gateway: GatewayProcess;
  request: string;
  timeoutMs: number;
  say: (line: string) => void;
}): (phase: Phase) => Promise<PhaseRow> {
  const { program, gateway, request, timeoutMs, say } = options;
  const address = `127.0.0.1:${gateway.webhookPort}`;
  return async ({ name, perSecond = 0, backsOff = false, ...phase }) => {
    const plan = { address, request, timeoutMs, perSecond, backsOff, ...phase };
    let cpuBefore = Promise.resolve(0);
    // Connecting is a load of its own.
    const onMessage = (): void => {
      cpuBefore = gateway.cpuSeconds();
    };
    const { result, peakMib, growthMib } = await watchMemory(
      gateway,
      runGoClient<LoadResult>(program, plan, { env: { GOMAXPROCS: '1' }, onMessage }),
    );
    const cpuSeconds = (await gateway.cpuSeconds()) - (await cpuBefore);
    const aSecond = (count: number): number => Math.round(count / result.seconds);
    const row = {
      name,
      seats: phase.seats,
      'offered/s': aSecond(result.offered),
      'attempts/s': aSecond(result.attempts),
      'accepted/s': aSecond(result.accepted),
      'shed/s': aSecond(result.shed),
      'accepted/CPU s': Math.round(result.accepted / cpuSeconds),
      timedOut: result.timedOut,
      failed: result.failed,
      p50Ms: Math.round(result.p50Ms),
      p99Ms: Math.round(result.p99Ms),
      attemptP99Ms: Math.round(result.attemptP99Ms),
      peakMib,
      growthMib,
    };
    for (const [why, count] of Object.entries(result.failures)) say(`${name}: ${count} x ${why}`);
    say(`${name}: ${row['accepted/s']} accepted a second of ${row['attempts/s']} attempts`);
    return row;
  };
}
