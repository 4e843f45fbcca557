import type { CaState } from '#shared/contracts/kubernetes/rotation-state.ts';
import { nextAction } from '../../services/cert-manager/decide/next-action.ts';
import type {
  Action,
  CaSecretFacts,
  RotationFacts,
  ServingSecretFacts,
  WebhookFacts,
} from '../../services/cert-manager/decide/rotation-facts.ts';

/** For tests: facts of an installation whose CA `old` is stable, and what to put in their place. */

export const nowMs = Date.UTC(2026, 10, 24);
export const since = new Date(nowMs).toISOString();
export const policy = { trustWaitMs: 60_000, connectionWaitMs: 120_000, overlapMs: 86_400_000 };
export const rotation = { id: 'asked', reason: 'requested', startedAt: since };

export const caFact = (id: string) => ({ id, problem: undefined, due: undefined });

export const stateOf = (phase: CaState['phase'], more: Partial<CaState> = {}): CaState => ({
  version: 1,
  phase,
  since,
  waitingFor: [],
  ...more,
});

/** The first of the bundle issues. */
export const caOf = (bundle: string[], more: Partial<CaSecretFacts> = {}): CaSecretFacts => ({
  issuing: caFact(bundle[0] ?? ''),
  next: undefined,
  bundle,
  state: stateOf('stable'),
  request: undefined,
  isConformant: true,
  ...more,
});

export const servingOf = (
  id: string,
  issuer: string,
  bundle: string[],
  served = true,
): ServingSecretFacts => ({
  leaf: { id, issuer, problem: undefined, due: false, issuedAt: since },
  bundle,
  state: { version: 1, fingerprint: id, issuedAt: since, served, waitingFor: served ? [] : ['gateway-0'] },
  request: undefined,
  isConformant: true,
});

export const webhookOf = (trusted: string[]): WebhookFacts => ({
  trusted,
  current: trusted,
  unmanagedReason: undefined,
  drifted: false,
  isBundleDeferred: false,
});

export const gateway = (leaf: string) => ({ name: 'gateway-0', ready: true, leaf, fresh: true });

export const settled: RotationFacts = {
  ca: caOf(['old']),
  serving: servingOf('leaf-1', 'old', ['old']),
  webhook: webhookOf(['old']),
  endpoints: [gateway('leaf-1')],
  lastKnownGood: { ca: undefined, leaf: undefined },
  nowMs,
};

/** The action where these facts differ from the settled ones and every condition has been true for this long. */
export const actionOf = (facts: Partial<RotationFacts>, steadyMs = 0): Action =>
  nextAction({ ...settled, ...facts }, () => steadyMs, policy);
