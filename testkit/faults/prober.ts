import { setTimeout as delay } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { createPod, filesOf, type PodAnswer, variablesOf } from '#testkit/installation/create-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { type Disturbance, type Probe, wrongness } from './probe-judgement.ts';
import type { SecretTimeline } from './secret-timeline.ts';

const clientCount = 4;
/** Time from one probe of a client to its next: about 30 pods a second together. */
const paceMs = 100;

/** A pod that is asked for again and again, and what is true about the one secret that it asks for. */
export interface ProbedSecret {
  name: string;
  key: string;
  pod: V1Pod;
  timeline: SecretTimeline;
  /** One of the injected references `secret/key` matches it. */
  expectedReference: RegExp;
}

/** Creates pods as dry runs through the API server all the time, and collects the answers that are wrong. */
export interface Prober {
  /** Answers judged so far. */
  answers(): number;
  /** One line a wrong answer: when, which pod, during what, why. */
  wrong(): readonly string[];
  probe(secret: ProbedSecret): void;
  forget(secret: ProbedSecret): void;
  /** Judges by what a disturbance explains for as long as `body` runs; it ends when everything has converged. */
  disturbed<T>(disturbance: Omit<Disturbance, 'sinceMs'>, body: () => Promise<T>): Promise<T>;
  /** Waits until every probed pod was answered this often from now on. */
  observe(times: number): Promise<void>;
  stop(): Promise<void>;
}

export function startProber(
  cluster: Cluster,
  options: { secrets: readonly ProbedSecret[]; staleAfterMs: number },
): Prober {
  const secrets = [...options.secrets];
  const counts = new Map<ProbedSecret, number>();
  const wrong: string[] = [];
  const startedMs = performance.now();
  let turn = 0;
  let answers = 0;
  let stopped = false;
  let disturbance: Disturbance | undefined;

  const probeOnce = async (secret: ProbedSecret): Promise<void> => {
    const before = disturbance;
    const probe = await sendProbe(cluster, secret);
    const during = disturbance ?? before;
    const why = wrongness(probe, during, options.staleAfterMs);
    answers += 1;
    counts.set(secret, (counts.get(secret) ?? 0) + 1);
    if (why === undefined) return;
    const atSeconds = ((probe.sentMs - startedMs) / 1_000).toFixed(2);
    wrong.push(`${atSeconds} s, ${secret.name}, ${during?.what ?? 'undisturbed'}: ${why}`);
  };

  const client = async (): Promise<void> => {
    while (!stopped) {
      const secret = secrets[turn++ % secrets.length];
      await Promise.all([secret === undefined ? undefined : probeOnce(secret), delay(paceMs)]);
    }
  };
  const clients = Array.from({ length: clientCount }, client);

  return {
    answers: () => answers,
    wrong: () => wrong,
    probe: (secret) => void secrets.push(secret),
    forget: (secret) => void secrets.splice(secrets.indexOf(secret), 1),
    disturbed: async (what, body) => {
      const own = { ...what, sinceMs: performance.now() };
      disturbance = own;
      try {
        return await body();
      } finally {
        if (disturbance === own) disturbance = undefined;
      }
    },
    observe: async (times) => {
      const goals = new Map(secrets.map((secret) => [secret, (counts.get(secret) ?? 0) + times]));
      await waitFor(() => [...goals].every(([secret, goal]) => (counts.get(secret) ?? 0) >= goal), {
        timeoutMs: 60_000,
        what: `${times} answers for every probed pod`,
      });
    },
    stop: async () => {
      stopped = true;
      await Promise.all(clients);
    },
  };
}

/** Sends the pod of a secret as a dry run. Code 0 = no answer, because there is no API server. */
async function sendProbe(
  cluster: Cluster,
  { timeline, key, expectedReference, pod }: ProbedSecret,
): Promise<Probe> {
  const sentMs = performance.now();
  const answer: PodAnswer = await createPod(cluster, pod, { dryRun: true }).catch((err: unknown) => ({
    admitted: false,
    code: 0,
    message: String(err instanceof Error ? (err.cause ?? err) : err),
  }));
  const answeredMs = performance.now();
  const injected = answer.admitted
    ? [...Object.values(variablesOf(answer.pod)), ...Object.values(filesOf(answer.pod))]
    : [];
  return { timeline, key, expectedReference, sentMs, answeredMs, answer, injected };
}
