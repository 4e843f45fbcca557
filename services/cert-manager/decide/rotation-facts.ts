import type { CaState, LeafState } from '#shared/contracts/kubernetes/rotation-state.ts';

/**
 * Describes what the next action is decided on. It is plain data that names certificates by an id (SHA-256 of the DER
 * bytes, hex), so the model test runs the same decisions over ids without certificates.
 */

/** Describes a CA and its key. */
export interface CaFact {
  id: string;
  /** Why it cannot issue, or undefined. */
  problem: string | undefined;
  /** Why it should be replaced, or undefined. */
  due: string | undefined;
}

/** Describes the content of the CA Secret. */
export interface CaSecretContent {
  issuing: CaFact;
  /** The CA that will issue next, while its trust is being distributed. */
  next: CaFact | undefined;
  /**
   * The ids of the CAs to trust, the newest first. A rotation puts the next CA before the issuing one, and the order
   * stays when the next CA begins to issue: each distinct bundle costs a transport (docs/reference/kube-apiserver.md C4).
   */
  bundle: readonly string[];
  state: CaState;
}

export interface CaSecretFacts extends CaSecretContent {
  /** Id of the request on the Secret, if any. */
  request: string | undefined;
  /** Whether labels and the form of the bundle are those that cert-manager writes. */
  isConformant: boolean;
}

/** Describes a leaf, which is a serving certificate, and its key. */
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
  /** The ids of the CA bundle in the same Secret. */
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
  /** Whether it may not be read: what the API server trusts is unknown. */
  isUnseen?: boolean;
  /** Whether anything but the bundle differs from what it has to be, and may be written now. */
  drifted: boolean;
  /** Whether the bundle is left for now, because another writer undoes each repair of it. */
  isBundleDeferred: boolean;
}

/** Describes an endpoint of the gateway's Service and the heartbeats of its pod. */
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

/** Describes the installation at one moment. */
export interface RotationFacts {
  ca: CaSecretFacts | undefined;
  serving: ServingSecretFacts | undefined;
  webhook: WebhookFacts;
  /** The endpoints, or why they are unknown. */
  endpoints: readonly EndpointFact[] | string;
  /** The last known good content of both Secrets, to restore what somebody deletes or breaks. */
  lastKnownGood: { ca: CaSecretContent | undefined; leaf: LeafFact | undefined };
  /** Why only an operator can write a Secret, one sentence each. */
  unwritable?: { ca: string | undefined; serving: string | undefined };
  nowMs: number;
}

/** Holds the waits that the operator configures. */
export interface RotationPolicy {
  trustWaitMs: number;
  connectionWaitMs: number;
  overlapMs: number;
}

/** Returns for how long a condition of {@link holdingConditions} has been true, ms; 0 when it is not. */
export type SteadyForMs = (condition: string) => number;

/** Names the CA that is still to be created. */
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

export const trustedCondition = (ca: string): string => `the API server is told to trust ${ca}`;
/** Is true while no API server calls us: there is no bundle to propagate, and a later caller reads the current one. */
export const uncalledCondition = 'the API server is not told to call';
export const servedCondition = (leaf: string): string => `all endpoints servedCondition ${leaf}`;
