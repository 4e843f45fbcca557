import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import { connectServiceBus } from '#shared/bus/link/service-bus.ts';
import { createRuleIndex } from '#shared/core/rules/index/rule-index.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { defaultConfig } from '#testkit/installation/default-config.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { followRules, type KnownRules } from '../../services/gateway/rules/follow-rules.ts';
import { createIndexSink } from '../../services/gateway/rules/index-sink.ts';
import { packRules, startFrom } from './pack-rules.ts';
import { publishRules } from './publish-rules.ts';
import type { RulesPhase, RulesRequest } from './rules-follower.ts';

// Does in a process of its own what a gateway does with the rules: reads them when told to, and says what that cost.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const [url, credentials, resolver] = process.argv.slice(2);
/** Longer than the audit's interval. */
const auditMs = 301_000;
let skippedMs = 0;
let readings = 0;

/** With room for a million entries. */
const config = { ...defaultConfig, chain: ['k8s'], limits: { ...defaultConfig.limits, managerMiB: 1_024 } };
const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skippedMs };
function noteLine(line: string): void {
  if (line.includes('read again')) readings += 1;
  if (/"level":[456]0/.test(line)) process.stderr.write(line);
}
const log = pino({ level: 'info' }, { write: (line) => noteLine(line) });
const connect = (user: string, folder = ''): Bus =>
  connectServiceBus(user, {
    process: { NATS_URL: url ?? '', NATS_CREDENTIALS: folder, POD_NAME: 'scale' },
    log,
    clock: systemClock,
    end: (code) => process.exit(code),
  });
const bus = connect('gateway', credentials);
await bus.linked();
const loop = { bus, mostBytes: config.limits.managerMiB * 1_024 * 1_024, log };
let shards: readonly Uint8Array[] = [];
/** Longest turn so far, in processor time: what other processes do to this one does not count. */
let turnCpuMs = 0;
const threadCpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};
let seenCpuMs = threadCpuMs();
setInterval(() => {
  const nowMs = threadCpuMs();
  turnCpuMs = Math.max(turnCpuMs, nowMs - seenCpuMs);
  seenCpuMs = nowMs;
}, 1);
const index = createRuleIndex();
let known: KnownRules | undefined;
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

function start(): void {
  known = followRules({
    bus,
    initial: [],
    sink: createIndexSink({
      index,
      log,
      onFault: (manager) => process.stderr.write(`a rule of ${manager} was refused\n`),
    }),
    config: () => config,
    clock,
    log,
  });
}

function lookUp(namespaces: readonly string[], lookupKeys: readonly string[]): number {
  const rounds = 40;
  const startMs = performance.now();
  let found = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, lookupKey] of lookupKeys.entries()) {
      if (index.item('k8s', namespaces[at] ?? '', lookupKey) !== undefined) found += 1;
    }
  }
  const ns = ((performance.now() - startMs) * 1e6) / (rounds * lookupKeys.length);
  if (found !== rounds * lookupKeys.length) throw new Error('a look-up found nothing');
  return Math.round(ns);
}

/** Waits for what follows a set in force, or a line in the log: it is part of what is measured. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_000));

async function perform(request: RulesRequest): Promise<number> {
  const patience = { timeoutMs: 120_000, what: request.kind, intervalMs: 2 };
  if (request.kind === 'look up') return lookUp(request.namespaces, request.lookupKeys);
  if (request.kind === 'fill') {
    start();
    await waitFor(() => known?.isComplete('k8s'), patience);
    await settle();
  } else if (request.kind === 'audit') {
    const before = readings;
    skippedMs += auditMs;
    await waitFor(() => readings > before, patience);
    await settle();
  } else if (request.kind === 'pack') {
    shards = await packRules(loop);
  } else if (request.kind === 'start') {
    await startFrom(shards, loop);
  } else if (request.kind === 'publish') {
    await publishRules(
      { ...loop, bus: connect('resolver-aws', resolver) },
      { publishes: 'aws', entries: request.entries, clock },
    );
  } else if (request.kind === 'expect') {
    const { namespace, lookupKey } = request;
    await waitFor(() => index.item('k8s', namespace, lookupKey), patience);
  }
  return 0;
}

process.on('message', async (request: RulesRequest) => {
  delay.reset();
  turnCpuMs = 0;
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const lookupNs = await perform(request);
  const { user, system } = process.cpuUsage(cpu);
  const phase: RulesPhase = {
    lookupNs,
    ms: performance.now() - startMs,
    cpuMs: (user + system) / 1_000,
    blockMs: delay.max / 1e6,
    turnCpuMs,
    peakMib: process.memoryUsage.rss() / 2 ** 20,
    residentMib: 0,
    heapMib: 0,
  };
  if (request.kind === 'fill' || request.kind === 'audit' || request.kind === 'rest') collect();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const memory = process.memoryUsage();
  phase.residentMib = memory.rss / 2 ** 20;
  phase.heapMib = (memory.heapUsed + memory.external) / 2 ** 20;
  process.send?.(phase);
});
process.once('disconnect', () => process.exit());
process.send?.('ready');
