import { gatewayArguments, nodeOptionsOf } from '#bench/gateway-arguments.ts';
import { ensureBuckets } from '#shared/bus/link/buckets.ts';
import {
  type RulesFollower,
  type RulesRequest,
  startRulesFollower,
} from '#testkit/gateway/rules-follower.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { createRuleStore, ruleAt } from './store-rules.ts';

/** Most processor time that a turn of any event loop may take, ms. */
export const mostTurnMs = 50;
/** Most that the rules may add to an empty gateway, MiB. */
export const mostAddedMiB = 120;

/** How many look-ups are timed: more than a cache holds. */
const lookups = 20_000;

interface ScaleFigures {
  entries: number;
  fillMs: number;
  fillCpuMs: number;
  fillBlockMs: number;
  fillTurnCpuMs: number;
  auditCpuMs: number;
  auditBlockMs: number;
  auditTurnCpuMs: number;
  packTurnCpuMs: number;
  startTurnCpuMs: number;
  publishTurnCpuMs: number;
  publisherAuditTurnCpuMs: number;
  changeMs: number;
  changeBlockMs: number;
  changeTurnCpuMs: number;
  emptyMiB: number;
  addedMiB: number;
  addedAfterAuditsMiB: number;
  addedHeapMiB: number;
  /** Of objects and what they have outside of the heap. */
  bytesPerEntry: number;
  lookupNs: number;
}

/** Fills a bucket and has one process follow it. */
export async function measureScale(
  { entries, audits, changes }: { entries: number; audits: number; changes: number },
  say: (line: string) => void,
): Promise<ScaleFigures> {
  const testBus = await startTestBus();
  try {
    await ensureBuckets(await testBus.connect(), { log: testBus.log });
    const store = createRuleStore(await testBus.admin());
    await store.fill(entries);
    say(`${entries} entries are stored`);
    const follower = await startFollower(testBus);
    const empty = await follower.ask({ kind: 'rest' });
    const fill = await follower.ask({ kind: 'fill' });
    say(`filled in ${fill.ms.toFixed(0)} ms`);
    const lookedUp = Array.from({ length: lookups }, (_, at) => ruleAt((at * 7_919) % entries));
    const { lookupNs } = await follower.ask({
      kind: 'look up',
      namespaces: lookedUp.map(({ namespace }) => namespace),
      lookupKeys: lookedUp.map(({ lookupKeys: [first = ''] }) => first),
    });
    const read = [];
    for (let round = 0; round < audits; round += 1) read.push(await follower.ask({ kind: 'audit' }));
    say(`read ${audits} times again`);
    const changed = [];
    for (let round = 0; round < changes; round += 1) {
      const index = (round * 7_919) % entries;
      const { namespace } = ruleAt(index);
      const lookupKey = await store.change(index);
      changed.push(await follower.ask({ kind: 'expect', namespace, lookupKey }));
    }
    await follower.stop();
    const others = await measureOtherLoops(testBus, entries);
    say('packed, started from what was packed, and published');
    const most = (values: number[]): number => Number(Math.max(0, ...values).toFixed(1));
    const last = read.at(-1) ?? fill;
    return {
      entries,
      fillMs: most([fill.ms]),
      fillCpuMs: most([fill.cpuMs]),
      fillBlockMs: most([fill.blockMs]),
      fillTurnCpuMs: most([fill.turnCpuMs]),
      auditCpuMs: most(read.map(({ cpuMs }) => cpuMs)),
      auditBlockMs: most(read.map(({ blockMs }) => blockMs)),
      auditTurnCpuMs: most(read.map(({ turnCpuMs }) => turnCpuMs)),
      changeMs: most(changed.map(({ ms }) => ms)),
      changeBlockMs: most(changed.map(({ blockMs }) => blockMs)),
      changeTurnCpuMs: most(changed.map(({ turnCpuMs }) => turnCpuMs)),
      ...others,
      emptyMiB: most([empty.residentMib]),
      addedMiB: most([fill.residentMib - empty.residentMib]),
      addedAfterAuditsMiB: most([last.residentMib - empty.residentMib]),
      addedHeapMiB: most([fill.heapMib - empty.heapMib]),
      bytesPerEntry: Math.round(((fill.heapMib - empty.heapMib) * 2 ** 20) / entries),
      lookupNs,
    };
  } finally {
    await testBus.stop();
  }
}

const startFollower = async (testBus: TestBus): Promise<RulesFollower> =>
  startRulesFollower({
    url: testBus.nats.url,
    credentials: await testBus.credentials('gateway'),
    resolver: await testBus.credentials('resolver-aws'),
    nodeOptions: nodeOptionsOf(await gatewayArguments()),
  });

/** Has a process do what discovery, a gateway that starts, and a resolver do with as many rules. */
async function measureOtherLoops(testBus: TestBus, entries: number) {
  const follower = await startFollower(testBus);
  const turnOf = async (request: RulesRequest): Promise<number> => {
    const { turnCpuMs } = await follower.ask(request);
    return Number(turnCpuMs.toFixed(1));
  };
  // What the start of the process has left to do is none of it.
  await follower.ask({ kind: 'rest' });
  const packTurnCpuMs = await turnOf({ kind: 'pack' });
  const startTurnCpuMs = await turnOf({ kind: 'start' });
  const publishTurnCpuMs = await turnOf({ kind: 'publish', entries });
  const publisherAuditTurnCpuMs = await turnOf({ kind: 'audit' });
  await follower.stop();
  return { packTurnCpuMs, startTurnCpuMs, publishTurnCpuMs, publisherAuditTurnCpuMs };
}
