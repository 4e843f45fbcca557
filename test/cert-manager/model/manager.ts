import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { createRepairPace, type RepairPace } from '#shared/runtime/repair-pace.ts';
import {
  type holdingConditions,
  needsRepair,
  type nextAction,
} from '../../../services/cert-manager/decide/next-action.ts';
import { repairCa } from '../../../services/cert-manager/decide/repair-ca.ts';
import {
  type Action,
  type CaFact,
  type LeafFact,
  newCa,
  type RotationFacts,
  type RotationPolicy,
} from '../../../services/cert-manager/decide/rotation-facts.ts';
import type { SteadyConditions } from '../../../services/cert-manager/decide/steady-conditions.ts';
import { withoutRefused } from '../../../services/cert-manager/decide/without-refused.ts';
import {
  createRefusedWrites,
  type RefusedWrites,
} from '../../../services/cert-manager/observe/refused-writes.ts';
import type { CaObject, ServingObject, WebhookObject, World } from './world.ts';

const dayMs = 86_400_000;
const caRenewalMs = 30 * dayMs;
const leafRenewalMs = 4 * dayMs;
const notBeforeMarginMs = 3_600_000;
const freshMs = 10_000;
const refusal = new LatchkeyError('KUBERNETES_REFUSED', 'too large', { fields: { statusCode: 413 } });
const notTakenBack = new LatchkeyError('KUBERNETES_CONFLICT', 'invalid', { fields: { statusCode: 422 } });
const repairBounds = { firstMs: 5_000, longestMs: 300_000 };

/** What a run observed, object by object. */
interface Observed {
  serving?: ServingObject | undefined;
  webhook?: WebhookObject;
  endpoints?: RotationFacts['endpoints'];
  ca?: CaObject | undefined;
}

export type Decide = typeof nextAction;

export interface ManagerOptions {
  decide: Decide;
  policy: RotationPolicy;
  /** The conditions that it sees hold, and how it counts for how long. */
  holding: typeof holdingConditions;
  count: () => SteadyConditions;
  /** What it makes of what it sees; the same, but for a model that is meant to fail. */
  view: (facts: RotationFacts) => RotationFacts;
  /** The order of the reads; cert-manager's own reads the CA last. */
  reads: readonly (keyof Observed)[];
  /** Whether nothing is repaired while an entry that is to be given back is not taken; a model that is meant to fail. */
  insistsOnRestoring?: boolean;
  /** Nothing is decided on an older observation. */
  longestObservationMs: number;
}

export const ownOrder: ManagerOptions['reads'] = ['serving', 'webhook', 'endpoints', 'ca'];

/** A cert-manager that does one thing at a time: a read, or the write that the reads ask for. */
export interface Manager {
  /** Does the next thing; others may act before the one after it. */
  act(): void;
  /** Loses all it knows, in the middle of whatever it does. */
  crash(): void;
  pausedUntilMs: number;
  /** Its clock is ahead by this. */
  aheadMs: number;
  /** Whether it is about to create the serving Secret. */
  isCreating(): boolean;
}

export function createManager(world: World, options: ManagerOptions): Manager {
  const { decide, policy, view, reads } = options;
  let observed: Observed = {};
  let done = 0;
  let begunMs = 0;
  let action: Action | undefined;
  let lastKnownGood: RotationFacts['lastKnownGood'] = { ca: undefined, leaf: undefined };
  let conditions = options.count();
  const createPace = (): RepairPace => createRepairPace(repairBounds, { monotonicMs: () => world.nowMs });
  let pace = createPace();
  const createRefused = (): RefusedWrites => createRefusedWrites({ monotonicMs: () => world.nowMs });
  let refused = createRefused();
  let gaveUpRestoring = false;

  const clock = (): number => world.nowMs + manager.aheadMs;
  const begin = (): void => {
    observed = {};
    done = 0;
    action = undefined;
  };
  const read: Record<keyof Observed, () => void> = {
    serving: () => Object.assign(observed, { serving: world.serving }),
    webhook: () => Object.assign(observed, { webhook: world.webhook }),
    ca: () => Object.assign(observed, { ca: world.ca }),
    endpoints: () => Object.assign(observed, { endpoints: endpointsOf(world) }),
  };
  const decideNow = (): void => {
    if (world.nowMs - begunMs > options.longestObservationMs) {
      begin();
      return;
    }
    const isRestoring = world.holdsUnrestorable && !gaveUpRestoring;
    const read = factsOf(world, observed, lastKnownGood, clock(), pace, isRestoring);
    if (read.ca !== undefined && !needsRepair(read.webhook, read.ca)) refused.forget('repair-webhook');
    const facts = view(withoutRefused(read, refused));
    if (repairCa(facts) === undefined) lastKnownGood = { ...lastKnownGood, ca: facts.ca };
    if (facts.serving?.leaf.problem === undefined && facts.serving !== undefined)
      lastKnownGood = { ...lastKnownGood, leaf: facts.serving.leaf };
    const steadyForMs = conditions.note(options.holding(facts), world.nowMs);
    action = decide(facts, steadyForMs, policy);
    if (action.kind === 'wait') begin();
  };
  const carryOut = (chosen: Action): void => {
    const isRepair = chosen.kind === 'repair-webhook';
    if (isRepair && world.refusesPatches) {
      refused.note(chosen.kind, refusal);
      return;
    }
    if (isRepair && world.holdsUnrestorable && !gaveUpRestoring) {
      if (options.insistsOnRestoring === true) {
        refused.note(chosen.kind, notTakenBack);
        return;
      }
      // The patch without it tests the version: a lost race is no refusal.
      gaveUpRestoring = observed.webhook?.version === world.webhook.version;
    }
    write(world, observed, chosen, clock());
    if (isRepair) noteRepair(pace, observed, chosen.bundle);
  };
  const manager: Manager = {
    pausedUntilMs: 0,
    aheadMs: 0,
    isCreating: () => action?.kind === 'write-serving-secret' && observed.serving === undefined,
    crash: () => {
      begin();
      lastKnownGood = { ca: undefined, leaf: undefined };
      conditions = options.count();
      pace = createPace();
      refused = createRefused();
      gaveUpRestoring = false;
    },
    act: () => {
      if (world.nowMs < manager.pausedUntilMs) return;
      const next = reads[done];
      if (done === 0) begunMs = world.nowMs;
      done += 1;
      if (next !== undefined) read[next]();
      else if (action === undefined) decideNow();
      else {
        carryOut(action);
        begin();
      }
    },
  };
  return manager;
}

/** As cert-manager counts: each field that it wrote, the bundle by what it was to be. */
function noteRepair(pace: RepairPace, { webhook }: Observed, bundle: readonly string[]): void {
  pace.repaired('selector');
  if (webhook?.bundle?.join() !== bundle.join()) pace.repaired('bundle', bundle.join());
}

function endpointsOf({ gateways, reports, nowMs }: World): RotationFacts['endpoints'] {
  return gateways.map(({ name, ready }) => {
    const report = reports.get(name);
    return { name, ready, leaf: report?.leaf, fresh: report !== undefined && nowMs - report.atMs <= freshMs };
  });
}

function factsOf(
  world: World,
  { ca, serving, webhook, endpoints = [] }: Observed,
  lastKnownGood: RotationFacts['lastKnownGood'],
  nowMs: number,
  pace: RepairPace,
  isRestoring: boolean,
): RotationFacts {
  const ageMs = (id: string): number => nowMs - (world.madeMs.get(id) ?? nowMs);
  const caFact = (id: string | undefined): CaFact => ({
    id: id ?? 'garbage',
    problem: id === undefined ? 'garbage' : undefined,
    due: id !== undefined && (ageMs(id) > caRenewalMs || ageMs(id) < -notBeforeMarginMs) ? 'due' : undefined,
  });
  const trusted = webhook?.bundle;
  const known = new Set([...(trusted ?? []), ...(ca?.bundle ?? []), ...(lastKnownGood.ca?.bundle ?? [])]);
  const acceptable = new Set(ca === undefined ? known : ca.bundle);
  const leafFact = (id: string | undefined): LeafFact => {
    const issuer = id === undefined ? undefined : world.issuers.get(id);
    const isUsable =
      id !== undefined && issuer !== undefined && acceptable.has(issuer) && ageMs(id) > -notBeforeMarginMs;
    return {
      id: id ?? 'garbage',
      issuer: issuer !== undefined && known.has(issuer) ? issuer : undefined,
      problem: isUsable ? undefined : 'not usable',
      due: id !== undefined && ageMs(id) > leafRenewalMs,
      issuedAt: new Date(0).toISOString(),
    };
  };
  return {
    ca: ca && {
      issuing: caFact(ca.issuing),
      next: ca.next === undefined ? undefined : caFact(ca.next),
      bundle: ca.bundle,
      state: ca.state,
      request: ca.request,
      isConformant: true,
    },
    serving: serving && {
      leaf: leafFact(serving.leaf),
      bundle: serving.bundle,
      state: serving.state,
      request: serving.request,
      isConformant: true,
    },
    webhook: {
      trusted,
      current: trusted ?? [],
      unmanagedReason: webhook?.paused ? 'paused' : undefined,
      drifted: isRestoring || trusted === undefined || (world.platformEdits && pace.waitMs('selector') === 0),
      isBundleDeferred: pace.waitMs('bundle', ca?.bundle.join()) > 0,
    },
    endpoints,
    lastKnownGood: { ca: lastKnownGood.ca, leaf: lastKnownGood.leaf && leafFact(lastKnownGood.leaf.id) },
    nowMs,
  };
}

function write(world: World, { ca, serving, webhook }: Observed, action: Action, nowMs: number): void {
  if (action.kind === 'write-ca-secret') {
    const made = `ca-${world.count()}`;
    world.madeMs.set(made, nowMs);
    const real = (id: string): string => (id === newCa ? made : id);
    const { issuing, next, bundle, state } = action;
    world.putCa(
      {
        issuing: real(issuing),
        next: next === undefined ? undefined : real(next),
        bundle: bundle.map(real),
        state,
        request: ca?.request,
      },
      ca?.version,
    );
  } else if (action.kind === 'repair-webhook') {
    world.putWebhook(action.bundle, webhook?.version ?? 0);
  } else if (action.kind === 'write-serving-secret') {
    const leaf = 'id' in action.leaf ? action.leaf.id : `leaf-${world.count()}`;
    if ('issue' in action.leaf) {
      world.issuers.set(leaf, ca?.issuing ?? '');
      world.madeMs.set(leaf, nowMs);
    }
    const state = { ...action.state, fingerprint: leaf, issuedAt: new Date(0).toISOString() };
    world.putServing({ leaf, bundle: action.bundle, state, request: serving?.request }, serving?.version);
  }
}
