import { createRandom, type Random } from '#testkit/properties/random.ts';
import type { RotationPolicy } from '../../../services/cert-manager/decide/rotation-facts.ts';
import { createManager, type Manager, type ManagerOptions } from './manager.ts';
import { cacheMs, createWorld, drainMs, kubeletMs, type World } from './world.ts';

const dayMs = 86_400_000;

interface Actors {
  world: World;
  managers: Manager[];
  random: Random;
}

type Fault = (actors: Actors) => void;

/** Tells whether the trusted CAs are stored in two places: one that is removed from both at once cannot be restored. */
const isTwofold = ({ ca, webhook }: World): boolean =>
  ca?.issuing !== undefined && webhook.bundle !== undefined && `${ca.bundle}` === `${webhook.bundle}`;

/** What happens now and then, each about as often as the others. */
const faults = {
  crash: ({ managers, random }) => random.pick(managers).crash(),
  pause: ({ managers, random, world }) => {
    random.pick(managers).pausedUntilMs = world.nowMs + random.upTo(random.pick([5_000, 60_000, 600_000]));
  },
  clockJump: ({ managers, random }) => {
    random.pick(managers).aheadMs = random.pick([-dayMs, 0, dayMs]);
  },
  gatewayRestart: ({ world, random }) => world.restart(random.pick(world.gateways), random),
  rollout: ({ world, random }) => {
    for (const gateway of world.gateways) world.restart(gateway, random);
  },
  gatewayStop: ({ world, random }) => {
    const gateway = random.pick(world.gateways);
    gateway.stopped = !gateway.stopped;
  },
  heartbeatLoss: ({ world, random }) => {
    const gateway = random.pick(world.gateways);
    gateway.cut = !gateway.cut;
  },
  readiness: ({ world, random }) => {
    const gateway = random.pick(world.gateways);
    gateway.ready = !gateway.ready;
  },
  kubeletLag: ({ world, random }) => {
    const gateway = random.pick(world.gateways);
    gateway.lagMs = Math.min(gateway.lagMs, random.upTo(kubeletMs));
  },
  slowKubelet: ({ world, random }) => {
    random.pick(world.gateways).lagMs = random.upTo(kubeletMs);
  },
  caRequest: ({ world }) => {
    if (world.ca) world.putCa({ ...world.ca, request: `request-${world.count()}` }, world.ca.version);
  },
  leafRequest: ({ world }) => {
    const { serving } = world;
    if (serving) world.putServing({ ...serving, request: `request-${world.count()}` }, serving.version);
  },
  caBroken: ({ world, random }) => {
    if (world.ca && isTwofold(world) && random.chance(0.3))
      world.putCa({ ...world.ca, issuing: undefined }, world.ca.version);
  },
  caDeleted: ({ world, random }) => {
    if (isTwofold(world) && random.chance(0.3)) world.putCa(undefined, world.ca?.version);
  },
  caBrought: ({ world, random }) => {
    const { ca } = world;
    if (ca === undefined || !isTwofold(world) || random.chance(0.7)) return;
    const issuing = `ca-${world.count()}`;
    world.madeMs.set(issuing, world.nowMs);
    const state = { version: 1 as const, phase: 'stable' as const, waitingFor: [] };
    world.putCa({ issuing, next: undefined, bundle: [issuing], state, request: undefined }, ca.version);
  },
  caRestored: ({ world, random }) => {
    const earlier = random.pick(world.stored().cas);
    if (world.ca && isTwofold(world) && random.chance(0.3))
      world.putCa({ ...earlier, request: world.ca.request }, world.ca.version);
  },
  caBundleEdited: ({ world, random }) => {
    const { ca } = world;
    if (ca && isTwofold(world))
      world.putCa({ ...ca, bundle: ca.bundle.slice(0, Math.floor(random.upTo(2))) }, ca.version);
  },
  webhookPaused: ({ world }) => {
    const { webhook } = world;
    if (webhook.bundle !== undefined)
      world.webhook = { ...webhook, paused: !webhook.paused, version: world.count() };
  },
  platformBegins: ({ world }) => {
    world.platformEdits = true;
  },
  patchesRefused: ({ world }) => {
    world.refusesPatches = !world.refusesPatches;
  },
  unrestorableAnnotated: ({ world }) => {
    world.holdsUnrestorable = true;
  },
  webhookDeleted: ({ world }) => {
    if (isTwofold(world)) world.breakWebhook(undefined);
  },
  bundleWiped: ({ world }) => {
    if (isTwofold(world)) world.breakWebhook([]);
  },
  bundleRestored: ({ world, random }) => {
    const { bundles } = world.stored();
    if (isTwofold(world)) world.breakWebhook(random.pick(bundles));
  },
  nextBroken: ({ world, random }) => {
    if (world.ca && random.chance(0.3)) world.putCa({ ...world.ca, next: undefined }, world.ca.version);
  },
  servingBroken: ({ world }) => {
    const { serving } = world;
    if (serving) world.putServing({ ...serving, leaf: undefined }, serving.version);
  },
  // Spares a manager about to write a missing Secret: that has no version to be refused by, and the real one only updates.
  servingDeleted: ({ world, managers }) => {
    if (!managers.some((manager) => manager.isCreating()))
      world.putServing(undefined, world.serving?.version);
  },
} satisfies Record<string, Fault>;

export interface ScheduleOptions extends Omit<ManagerOptions, 'policy'> {
  /** The waits of an operator; the model's own, which differ from one schedule to the next, are as long as they must be. */
  policy?: Partial<RotationPolicy>;
  /** The kinds of fault; without it some of all, which differ from one schedule to the next. */
  faults?: readonly (keyof typeof faults)[];
  events: number;
}

/** Waits that are long enough, now and then just so. */
const randomPolicy = (random: Random): RotationPolicy => ({
  trustWaitMs: cacheMs + random.pick([1_000, 10_000, 10_000, 80_000]),
  connectionWaitMs: kubeletMs + drainMs + random.pick([0, 0, 0, 60_000]),
  overlapMs: random.pick([0, 0, 60_000]),
});

export interface ScheduleResult {
  /** A served leaf that an API server might have refused, and when. */
  violation: string | undefined;
  /** Whether it ended in a stable state with one CA that all gateways serve a leaf of, once faults had stopped. */
  settled: boolean;
  /** The CAs that were issuing at some time. */
  cas: number;
  world: World;
}

/** Runs one schedule: random events first, then, without faults, until nothing is left to do. */
export function runSchedule(seed: number, options: ScheduleOptions): ScheduleResult {
  const random = createRandom(seed);
  const world = createWorld(2 + Math.floor(random.upTo(2)));
  const policy = { ...randomPolicy(random), ...options.policy };
  const managers = Array.from({ length: 1 + Math.floor(random.upTo(2)) }, () =>
    createManager(world, { ...options, policy }),
  );
  // Few kinds of fault at a time meet each other more often than all of them.
  const possible = options.faults?.map((name) => faults[name]) ?? [
    faults.caRequest,
    ...Object.values(faults).filter(() => random.chance(0.6)),
  ];
  const chanceOfFault = random.pick([0.03, 0.06, 0.1]);
  const issuing = new Set<string>();
  const turn = (faultChance: number): string | undefined => {
    world.pass(random.upTo(random.chance(0.8) ? 400 : 4_000));
    if (random.chance(faultChance)) random.pick(possible)({ world, managers, random });
    else random.pick(managers).act();
    if (world.ca?.issuing !== undefined) issuing.add(world.ca.issuing);
    return world.violation();
  };
  for (let event = 0; event < options.events; event += 1) {
    const violation = turn(event < 30 ? 0 : chanceOfFault);
    if (violation !== undefined)
      return { violation: `event ${event}: ${violation}`, settled: false, cas: issuing.size, world };
  }
  heal({ world, managers, random });
  for (let event = 0; event < 5_000; event += 1) {
    const violation = turn(0);
    if (violation !== undefined || isSettled(world)) {
      return { violation, settled: violation === undefined, cas: issuing.size, world };
    }
  }
  return { violation: undefined, settled: false, cas: issuing.size, world };
}

/** Ends every fault; the clocks agree again on the latest that any of them has shown. */
function heal({ world, managers }: Actors): void {
  for (const manager of managers) Object.assign(manager, { pausedUntilMs: 0, aheadMs: dayMs });
  world.webhook = { ...world.webhook, paused: false, version: world.count() };
  world.refusesPatches = false;
  for (const gateway of world.gateways) Object.assign(gateway, { ready: true, stopped: false, cut: false });
}

function isSettled({ ca, serving, webhook, gateways, issuers }: World): boolean {
  return (
    ca?.state.phase === 'stable' &&
    (ca.request === undefined || ca.request === ca.state.handled) &&
    serving?.leaf !== undefined &&
    serving.state?.served === true &&
    issuers.get(serving.leaf) === ca.issuing &&
    `${webhook.bundle}` === ca.issuing &&
    gateways.every(({ leaf }) => leaf === serving.leaf)
  );
}
