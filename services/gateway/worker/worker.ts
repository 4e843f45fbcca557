import { Socket } from 'node:net';
import type { Logger } from 'pino';
import { emptyKeyRing } from '#shared/core/rules/index/key-ring.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { Service } from '#shared/service/lifecycle.ts';
import { decideReviews } from '../decide-reviews.ts';
import { drainConnections } from '../http/drain-connections.ts';
import { loadLimits } from '../http/load.ts';
import { createWebhookServer, defaultLimits } from '../http/webhook-server.ts';
import { shareOfConnections, shareOfLoad } from '../workers/share-of-load.ts';
import { reportIntervalMs, type ToPrimary } from '../workers/to-primary.ts';
import type { ToWorker } from '../workers/to-worker.ts';
import { ReceivedRules } from './received-rules.ts';
import { TakenConnections } from './taken-connections.ts';

/**
 * Longest slice of decisions of a worker, ms, and the pause before one while connections wait. The primary can hand over
 * one at a time, once the one before has been received: without the two, a worker that decides all the time takes one in
 * the time of many decisions.
 */
const mostSliceMs = 20;
const othersWaitMs = 1;

interface WorkerOptions {
  clock: Clock;
  log: Logger;
  metricsText: () => Promise<string>;
  send: (message: ToPrimary) => void;
  /** Ends the process in order. */
  end: () => void;
  /** Ends the process for a fault. */
  fail: (err: unknown) => void;
}

/** Decides admissions for a primary, which tells it all that it knows. */
export interface Worker extends Service {
  receive(message: ToWorker, handle?: unknown): void;
}

export function createWorker(options: WorkerOptions): Worker {
  const { clock, log, send, end, metricsText } = options;
  let deciding: DecidingWorker | undefined;
  let stopReports = (): void => undefined;
  let isTold = false;
  return {
    start: async () => {
      stopReports = clock.every(reportIntervalMs, () => send(deciding?.report() ?? emptyReport));
      send({ kind: 'started' });
    },
    receive: (message, handle) => {
      if (message.kind === 'drain') {
        isTold = true;
        end();
      } else if (message.kind === 'begin') deciding = beginToDecide(message, options);
      else if (message.kind === 'metrics')
        void metricsText().then(
          (text) => send({ kind: 'metrics', id: message.id, text }),
          (err: unknown) => log.error({ err }, 'metrics cannot be collected'),
        );
      else deciding?.receive(message, handle instanceof Socket ? handle : undefined);
    },
    stop: async () => {
      await deciding?.stop(isTold);
      stopReports();
    },
  };
}

const emptyReport: ToPrimary = { kind: 'report', applied: [], usable: [] };

type Begin = Extract<ToWorker, { kind: 'begin' }>;

/** A worker that knows its configuration. */
interface DecidingWorker {
  report(): ToPrimary;
  receive(
    message: Exclude<ToWorker, { kind: 'begin' | 'drain' | 'metrics' }>,
    socket: Socket | undefined,
  ): void;
  /** @param isTold whether the primary drains all workers; else another takes this one's place at once */
  stop(isTold: boolean): Promise<void>;
}

function beginToDecide(begin: Begin, { clock, log, send, fail }: WorkerOptions): DecidingWorker {
  const { workers, snapshotTakenAt } = begin;
  let { config } = begin;
  let keys = emptyKeyRing;
  let certificate: string | undefined;
  const { sink, handle, onFault, metrics } = decideReviews({
    config: () => config,
    keys: () => keys,
    ageMs: (manager) => rules.ageMs(manager),
    snapshotAgeMs: () =>
      snapshotTakenAt === undefined ? undefined : Math.max(0, clock.now() - Date.parse(snapshotTakenAt)),
    log,
  });
  const report = (): ToPrimary => {
    const applied = rules.applied();
    const usable = applied.map(({ owner }) => owner).filter(sink.isUsable);
    return { kind: 'report', applied, usable, ...(certificate === undefined ? {} : { certificate }) };
  };
  const rules = new ReceivedRules({ sink, clock, fail, onApplied: () => send(report()) });
  const limits = shareOfConnections(defaultLimits, workers);
  const server = createWebhookServer(handle, {
    clock,
    timeoutMs: () => config.webhook.timeoutSeconds * 1_000,
    onShed: metrics.shed,
    onFault,
    onEvicted: metrics.evicted,
    onHandshakeRefused: metrics.handshakeRefused,
    requestsClientCertificate: config.webhook.clientCa !== undefined,
    connectionLimits: limits,
    limits: shareOfLoad(loadLimits, workers),
    turns: {
      next: (decideSome) =>
        taken.othersWait() ? setTimeout(decideSome, othersWaitMs) : setImmediate(decideSome),
      mostMs: mostSliceMs,
    },
  });
  const taken = new TakenConnections({ most: limits.all, take: server.take, send });
  /** Is done before the first connection: none comes until the worker has said that it serves. */
  const served = server.serveTaken();
  return {
    report,
    receive: (message, socket) => {
      switch (message.kind) {
        case 'config':
          config = message.config;
          return;
        case 'certificate':
          server.use(message);
          certificate = message.certificate;
          send(report());
          return;
        case 'client-ca':
          server.trust(message.pem);
          return;
        case 'keys':
          keys = { keys: new Map(message.keys), sealingKid: undefined };
          return;
        case 'serve':
          rules.whenInForce(
            () => void served.then(() => send(report())).then(() => send({ kind: 'serving' }), fail),
          );
          return;
        case 'connection':
          taken.take(message.id, socket, message.waiting);
          return;
        default:
          rules.receive(message);
      }
    },
    stop: async (isTold) => {
      const { connections, handshakes } = server;
      if (!isTold) taken.leave();
      await drainConnections({ connections, handshakes, clock, log });
      taken.leave();
      await server.close();
    },
  };
}
