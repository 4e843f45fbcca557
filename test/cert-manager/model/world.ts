import type { CaState, LeafState } from '#shared/contracts/kubernetes/rotation-state.ts';
import type { Random } from '#testkit/properties/random.ts';

/** Certificates are ids: `ca-3`, `leaf-7`. All times are ms of one true clock, which never jumps. */

export interface CaObject {
  version: number;
  /** Undefined: somebody edited the pair by hand. */
  issuing: string | undefined;
  next: string | undefined;
  bundle: readonly string[];
  state: CaState;
  request: string | undefined;
}

export interface ServingObject {
  version: number;
  leaf: string | undefined;
  bundle: readonly string[];
  state: LeafState | undefined;
  request: string | undefined;
}

export interface WebhookObject {
  version: number;
  /** Undefined: there is none, and the API server does not call. */
  bundle: readonly string[] | undefined;
  /** Whether it is to be left as it is. */
  paused: boolean;
}

export interface Gateway {
  name: string;
  ready: boolean;
  /** The leaf that it serves. */
  leaf: string | undefined;
  /** How far behind its kubelet is, ms. */
  lagMs: number;
  /** SIGSTOP: serves on what it had (once it goes on), reads and reports nothing. */
  stopped: boolean;
  /** Its heartbeats get lost. */
  cut: boolean;
}

/**
 * Longest time for which an API server uses a bundle that was replaced, a kubelet mounts a Secret of before, and
 * connections reach a gateway that is gone from the endpoints.
 */
export const cacheMs = 10_000;
export const kubeletMs = 30_000;
export const drainMs = 10_000;
const heartbeatMs = 2_000;

/** The cluster: objects with versions, caches and kubelets that lag behind, gateways that report. */
export interface World {
  /** Whether a platform edits the webhook configuration after each write of ours, for ever. */
  platformEdits: boolean;
  /** Whether the API server refuses every write of the webhook configuration. */
  refusesPatches: boolean;
  /** Whether the webhook configuration says that an entry is to be given back, which the API server does not take. */
  holdsUnrestorable: boolean;
  nowMs: number;
  ca: CaObject | undefined;
  serving: ServingObject | undefined;
  webhook: WebhookObject;
  gateways: Gateway[];
  /** Last report of each gateway. */
  reports: Map<string, { leaf: string; atMs: number }>;
  /** Issuer of every leaf, and when each certificate was made by the clock of its maker. */
  issuers: Map<string, string>;
  madeMs: Map<string, number>;
  /** A new name or version. */
  count(): number;
  /** Puts an object in place if the one that is there has this version; returns whether it did. */
  putCa(object: Omit<CaObject, 'version'> | undefined, version: number | undefined): boolean;
  putServing(object: Omit<ServingObject, 'version'> | undefined, version: number | undefined): boolean;
  putWebhook(bundle: readonly string[], version: number): boolean;
  /** Somebody else puts this bundle there: what it refuses is no violation of ours. */
  breakWebhook(bundle: readonly string[] | undefined): void;
  /** What was stored at some time. */
  stored(): { bundles: readonly (readonly string[])[]; cas: readonly CaObject[] };
  /** Lets time pass: kubelets bring what is due, gateways report. */
  pass(ms: number): void;
  /** Ends a gateway's process and starts another in its place, on a node whose kubelet lags as it likes. */
  restart(gateway: Gateway, random: Random): void;
  /** A served leaf that some API server may refuse at this moment. */
  violation(): string | undefined;
}

export function createWorld(gatewayCount: number): World {
  let counter = 0;
  let beatMs = 0;
  const count = (): number => {
    counter += 1;
    return counter;
  };
  const mounts: { fromMs: number; leaf: string | undefined }[] = [{ fromMs: 0, leaf: undefined }];
  const bundles: { fromMs: number; bundle: readonly string[] | undefined; foreign?: boolean }[] = [];
  const cas: CaObject[] = [];
  const leaving: { name: string; leaf: string; untilMs: number }[] = [];

  const load = (gateway: Gateway): void => {
    const mounted = mounts.findLast(({ fromMs }) => fromMs <= world.nowMs - gateway.lagMs) ?? mounts[0];
    if (!gateway.stopped && mounted?.leaf !== undefined) gateway.leaf = mounted.leaf;
  };
  /** What connections meet. */
  const reached = (): { name: string; leaf: string }[] => [
    ...world.gateways.flatMap(({ name, ready, leaf }) =>
      ready && leaf !== undefined ? [{ name, leaf }] : [],
    ),
    ...leaving.filter(({ untilMs }) => world.nowMs < untilMs),
  ];
  const isRefused = (leaf: string, bundle: readonly string[] | undefined): boolean =>
    bundle?.includes(world.issuers.get(leaf) ?? '') === false;
  const world: World = {
    nowMs: kubeletMs,
    ca: undefined,
    serving: undefined,
    platformEdits: false,
    refusesPatches: false,
    holdsUnrestorable: false,
    webhook: { version: 0, bundle: undefined, paused: false },
    gateways: Array.from({ length: gatewayCount }, (_, index) => ({
      name: `gateway-${index}`,
      ready: true,
      leaf: undefined,
      lagMs: 0,
      stopped: false,
      cut: false,
    })),
    reports: new Map(),
    issuers: new Map(),
    madeMs: new Map(),
    count,
    putCa: (object, version) => {
      if (world.ca?.version !== version) return false;
      world.ca = object && { ...object, version: count() };
      if (world.ca !== undefined) cas.push(world.ca);
      return true;
    },
    putServing: (object, version) => {
      if (world.serving?.version !== version) return false;
      world.serving = object && { ...object, version: count() };
      mounts.push({ fromMs: world.nowMs, leaf: object?.leaf });
      return true;
    },
    putWebhook: (bundle, version) => {
      if (world.webhook.version !== version || world.webhook.paused) return false;
      world.webhook = { bundle, version: count(), paused: false };
      bundles.push({ fromMs: world.nowMs, bundle });
      return true;
    },
    breakWebhook: (bundle) => {
      const paused = bundle !== undefined && world.webhook.paused;
      world.webhook = { bundle, version: count(), paused };
      bundles.push({ fromMs: world.nowMs, bundle, foreign: true });
    },
    stored: () => ({
      cas,
      bundles: bundles.flatMap(({ bundle }) => (bundle === undefined ? [] : [bundle])),
    }),
    pass: (ms) => {
      world.nowMs += ms;
      for (const gateway of world.gateways) load(gateway);
      if (world.nowMs - beatMs < heartbeatMs) return;
      beatMs = world.nowMs;
      for (const { name, leaf, stopped, cut } of world.gateways) {
        if (leaf !== undefined && !stopped && !cut) world.reports.set(name, { leaf, atMs: world.nowMs });
      }
    },
    restart: (gateway, random) => {
      const { name, ready, leaf } = gateway;
      const untilMs = world.nowMs + random.upTo(drainMs);
      if (ready && leaf !== undefined) leaving.push({ name: `${name} that was`, leaf, untilMs });
      Object.assign(gateway, {
        leaf: undefined,
        stopped: false,
        lagMs: kubeletMs * Math.sqrt(random.next()),
      });
      world.reports.delete(gateway.name);
      load(gateway);
    },
    violation: () => {
      const used = bundles.filter(
        ({ foreign }, index) =>
          !foreign && (bundles[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY) >= world.nowMs - cacheMs,
      );
      for (const { name, leaf } of reached()) {
        const refusing = used.find(({ bundle }) => isRefused(leaf, bundle));
        if (refusing !== undefined)
          return `${name} serves ${leaf} of ${world.issuers.get(leaf)}; trusted: ${refusing.bundle}`;
      }
      return undefined;
    },
  };
  return world;
}
