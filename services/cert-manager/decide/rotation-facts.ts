import type { CaState, LeafState } from '#shared/contracts/rotation-state.ts';

/**
 * What the next action is decided on: plain data, with certificates known by an id (SHA-256 of the DER bytes, hex). The
 * model test runs the same decisions over ids that stand for no certificate at all.
 */

/** A CA with its key. */
export interface CaFact {
  id: string;
  /** Why it cannot issue, or undefined. */
  problem: string | undefined;
  /** Why it should be replaced, or undefined. */
  due: string | undefined;
}

/** What the CA Secret holds. */
export interface CaSecretContent {
  issuing: CaFact;
  /** The CA that is to follow, while its trust is being distributed. */
  next: CaFact | undefined;
  /**
   * Ids of the CAs to trust, the newest first: a rotation gives the API server the next CA before the issuing one, and
   * its order stays when the next CA begins to issue (each distinct bundle costs a transport,
   * docs/reference/kube-apiserver.md C4).
   */
  bundle: readonly string[];
  state: CaState;
}

export interface CaSecretFacts extends CaSecretContent {
  /** Id of the request on the Secret, if any. */
  request: string | undefined;
  /** Whether labels, form and mutability are as they have to be. */
  isConformant: boolean;
}

/** A leaf with its key. */
export interface LeafFact {
  id: string;
  /** The known CA that signed it. */
  issuer: string | undefined;
  /** Why it cannot be served, or undefined. */
  problem: string | undefined;
  due: boolean;
  issuedAt: string;
}

export interface ServingSecretFacts {
  leaf: LeafFact;
  /** Ids of the bundle beside it. */
  bundle: readonly string[];
  state: LeafState | undefined;
  request: string | undefined;
  isConformant: boolean;
}

export interface WebhookFacts {
  /** Ids of the CAs with which the API server calls us; undefined when it does not call us. */
  trusted: readonly string[] | undefined;
  /** Those of them that have not expired. */
  current: readonly string[];
  /** Why it is left as it is, or undefined. */
  unmanagedReason: string | undefined;
  /** Whether anything but the bundle differs from what it has to be, and may be written now. */
  drifted: boolean;
  /** Whether the bundle is left for now, because somebody undoes each repair of it. */
  isBundleDeferred: boolean;
}

/** An endpoint of the gateway's Service, joined with the heartbeats of its pod. */
export interface EndpointFact {
  /** Name of the pod. */
  name: string;
  /** Ready or serving: connections reach it. */
  ready: boolean;
  /** Id of the leaf that it reported last, however long ago. */
  leaf: string | undefined;
  /** Whether it was heard lately. */
  fresh: boolean;
}

/** All that is known, as of one moment. */
export interface RotationFacts {
  ca: CaSecretFacts | undefined;
  serving: ServingSecretFacts | undefined;
  webhook: WebhookFacts;
  /** A sentence when the endpoints cannot be known. */
  endpoints: readonly EndpointFact[] | string;
  /** The last good content of both Secrets that this process saw: saves what somebody deletes or breaks. */
  lastKnownGood: { ca: CaSecretContent | undefined; leaf: LeafFact | undefined };
  /** Why only an operator can write a Secret, one sentence each. */
  unwritable?: { ca: string | undefined; serving: string | undefined };
  nowMs: number;
}

/** What the operator sets. */
export interface RotationPolicy {
  trustWaitMs: number;
  connectionWaitMs: number;
  overlapMs: number;
}

/** Time for which a condition of {@link holdingConditions} has been true without interruption, ms; 0 when it does not. */
export type SteadyForMs = (condition: string) => number;

/** Stands for a CA that is yet to be made. */
export const newCa = 'new';

/** Maps each kind of action to what it carries. */
interface Actions {
  'write-ca-secret': {
    why: string;
    issuing: string;
    next: string | undefined;
    bundle: readonly string[];
    state: CaState;
  };
  'repair-webhook': { why: string; bundle: readonly string[] };
  'write-serving-secret': {
    why: string;
    /** A new leaf of the issuing CA, or the one that is there or last known good. */
    leaf: { issue: true } | { id: string; issuedAt: string };
    bundle: readonly string[];
    state: Omit<LeafState, 'fingerprint' | 'issuedAt'>;
  };
  wait: {
    /** When to observe again though nothing is heard, ms; undefined: at the next tick. */
    recheckMs: number | undefined;
  };
}

/** Is one write, or a wait. */
export type ActionOf<Kind extends keyof Actions> = {
  [Each in Kind]: { kind: Each } & Actions[Each];
}[Kind];
export type Action = ActionOf<keyof Actions>;
export type WriteKind = Exclude<keyof Actions, 'wait'>;

export const trusts = (ca: string): string => `the API server is told to trust ${ca}`;
/** Nobody has to notice a bundle; whoever calls later has to notice the one of then. */
export const uncalled = 'the API server is not told to call';
export const serve = (leaf: string): string => `all endpoints serve ${leaf}`;
