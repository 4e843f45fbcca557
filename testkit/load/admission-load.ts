import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { cacheFolder } from '#tools/cache-folder.ts';
import { buildGoProgram } from '#tools/go-program.ts';
import { createProgress } from '#tools/progress.ts';

/** An answer that a case may get. 200 = admitted, with exactly this patch (base64), or with this spec through the API server. */
export interface AcceptedAnswer {
  code: number;
  patch?: string;
  spec?: unknown;
}

/** A pod that is asked for again and again. */
export interface LoadCase {
  name: string;
  /** The AdmissionReview, with the plan's `uid`. */
  review: unknown;
  /** What is created through the API server, with a `generateName`. */
  pod: unknown;
  namespace: string;
  accept: readonly AcceptedAnswer[];
}

/**
 * `kept` = the API server's own pool of connections, `fresh` = a new connection for every request, both through the
 * Service's balancer; `dryRun` and `api` = pods created through the API server, not stored or stored and deleted again.
 */
export interface LoadClient {
  name: string;
  kind: 'kept' | 'fresh' | 'dryRun' | 'api';
  perSecond: number;
  workers: number;
}

/** The first line that tools/admission-load reads. */
export interface LoadPlan {
  uid: string;
  webhook: { address: string; serverName: string; path: string; timeoutMs: number };
  apiServer: { url: string; ca: string; token: string; configuration: string; webhook: string };
  clients: readonly LoadClient[];
  cases: readonly LoadCase[];
}

/** A request without the answer that it should get. Times are Unix ms; no connection = `localPort` 0. */
export interface LoadFailure {
  client: string;
  id: string;
  case: string;
  sentAtMs: number;
  failedAtMs: number;
  connectedAtMs: number;
  localPort: number;
  reused: boolean;
  why: string;
}

export interface ClientCounts {
  client: string;
  answered: number;
  failed: number;
  /** Sent again because the webhook said so (503 and Retry-After), however it ended; not seen of the API server's own. */
  repeated: number;
  newConnections: number;
  /** Times of all requests; 0 until the load has ended. */
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** `bundles` = how many different caBundles the clients have trusted. */
export interface LoadSummary {
  clients: readonly ClientCounts[];
  bundles: number;
}

export interface AdmissionLoad {
  failures(): readonly LoadFailure[];
  /** Requests answered and failed so far, of all clients together, as of the last second. */
  totals(): { answered: number; failed: number };
  /** From the next request on the case may be answered like this, and not otherwise. */
  accept(name: string, accept: readonly AcceptedAnswer[]): void;
  /** Waits until every client has had so many answers more. */
  untilAnswered(count: number): Promise<void>;
  stop(): Promise<LoadSummary>;
}

const answerTimeoutMs = 60_000;

interface LoadEvent {
  failure?: LoadFailure;
  progress?: ClientCounts[];
  summary?: LoadSummary;
}

/**
 * Sends admission reviews and pods from a process of its own (tools/admission-load: net/http, as the API server) and
 * judges every answer; `onFailure` hears of the bad ones at once. It ends with `stop`, and when this process ends.
 */
export async function startAdmissionLoad(
  plan: LoadPlan,
  onFailure: (failure: LoadFailure) => void = () => undefined,
): Promise<AdmissionLoad> {
  const program = await buildLoadProgram();
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const failures: LoadFailure[] = [];
  let counts: readonly ClientCounts[] = [];
  let summary: LoadSummary | undefined;
  const noteFailure = (failure: LoadFailure): void => {
    failures.push(failure);
    onFailure(failure);
  };
  const tell = (line: unknown) => child.stdin.write(`${JSON.stringify(line)}\n`);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as LoadEvent;
    if (event.failure !== undefined) noteFailure(event.failure);
    counts = event.progress ?? event.summary?.clients ?? counts;
    summary = event.summary ?? summary;
  });
  const sumOf = (field: 'answered' | 'failed') => counts.reduce((sum, each) => sum + each[field], 0);
  const untilAnswered = async (count: number): Promise<void> => {
    const goals = new Map(counts.map(({ client, answered }) => [client, answered + count]));
    const isReached = () =>
      counts.length > 0 && counts.every(({ client, answered }) => answered >= (goals.get(client) ?? count));
    await waitFor(isReached, {
      timeoutMs: answerTimeoutMs,
      what: `${count} more answers to every client of the load`,
    });
  };
  tell(plan);
  return {
    failures: () => failures,
    totals: () => ({ answered: sumOf('answered'), failed: sumOf('failed') }),
    accept: (name, accept) => tell({ case: name, accept }),
    untilAnswered,
    stop: async () => {
      tell({ stop: true });
      const [code] = await closed;
      if (summary === undefined) throw new Error(`the load generator ended with ${code} and no summary`);
      return summary;
    },
  };
}

const buildLoadProgram = (): Promise<string> =>
  buildGoProgram(
    {
      name: 'admission-load',
      version: 'v1',
      moduleFolder: join(import.meta.dirname, '../../tools/admission-load'),
      package: '.',
      linkerFlags: '',
    },
    { cacheFolder: cacheFolder(process.env), env: process.env, progress: createProgress(process.stderr) },
  );
