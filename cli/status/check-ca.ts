import { caCertificateProblem } from '#shared/certificates/certificate-problem.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { type CaState, caStateAnnotation } from '#shared/contracts/kubernetes/rotation-state.ts';
import { describeAge } from '#shared/core/text/age.ts';
import { readCaRotationState } from '#shared/installation/read-rotation-state.ts';
import { nonEmptySecret, readTlsSecret } from '#shared/installation/tls-secret.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { certificateLife, describeLife, lifeFacts, overdue } from './certificate-life.ts';
import { type Finding, type Problem, skewMs, unseen } from './finding.ts';
import type { InstallationFacts } from './installation-facts.ts';

const about = 'CA';

/** Checks the CA and its rotation. */
export function checkCa({ ca, found, nowMs }: InstallationFacts): Finding {
  const { tls } = found.config;
  if (tls.issuer === 'provided') {
    return {
      about,
      summary: "somebody else's (tls.issuer: provided)",
      problems: [],
      facts: { provided: true },
    };
  }
  if ('unseen' in ca) return unseen(about, ca.unseen);
  const secret = nonEmptySecret(ca.value);
  if (secret === undefined) {
    const problem = missingSecret(tls.caSecretName, ca.value, 'cert-manager');
    return { about, summary: 'missing', problems: [problem], facts: { exists: false } };
  }
  const { pair } = readTlsSecret(secret);
  const wrong = caCertificateProblem(pair, nowMs);
  const life = certificateLife(pair.certificate, tls.renewAt);
  const state = readCaRotationState(secret);
  const broken: Problem[] =
    wrong === undefined ? [] : [brokenSecret(tls.caSecretName, wrong, 'cert-manager')];
  return {
    about,
    summary: [life === undefined ? 'unusable' : describeLife(life, nowMs), describeState(state, nowMs)].join(
      '; ',
    ),
    problems: [
      ...broken,
      ...(life === undefined || wrong !== undefined ? [] : overdue(life, nowMs, 'cert-manager')),
      ...fromTheFuture(state, nowMs),
      ...stuck(state, tls.rotation, nowMs),
    ],
    facts: { exists: true, ...(life === undefined ? {} : lifeFacts(life)), state: state ?? null },
  };
}

/**
 * Reports a missing Secret.
 * @param found the empty one, if there is one
 */
export const missingSecret = (name: string, found: Secret | undefined, keeper: string): Problem =>
  found === undefined
    ? {
        message: `there is no Secret ${name}`,
        advice: `apply deploy/certificate-secrets.yaml, which creates it empty; ${keeper} or \`latchkey init-certs\` fills it`,
      }
    : {
        message: `Secret ${name} is empty`,
        advice: `check why ${keeper} does not fill it; \`latchkey init-certs\` fills it too`,
      };

export const brokenSecret = (name: string, problem: string, keeper: string): Problem => ({
  message: `the pair in Secret ${name} is invalid: ${problem}`,
  advice: `check why ${keeper} does not repair it; running gateways keep the last valid pair`,
});

function describeState(state: CaState | undefined, nowMs: number): string {
  if (state === undefined || state.rotation === undefined) {
    const refused =
      state?.refused === undefined ? '' : `, the last request was refused: ${state.refused.reason}`;
    return `stable${refused}`;
  }
  const { phase, since, rotation, waitingFor } = state;
  const age = since === undefined ? '' : ` for ${describeAge(nowMs - Date.parse(since))}`;
  const waits = waitingFor.length === 0 ? '' : `, waits for ${waitingFor.join(', ')}`;
  return `rotation ${phase}${age} (${rotation.reason})${waits}`;
}

/** Reports a phase that has not begun yet, by our clock. */
function fromTheFuture(state: CaState | undefined, nowMs: number): Problem[] {
  if (state?.since === undefined) return [];
  const aheadMs = Date.parse(state.since) - nowMs;
  if (aheadMs <= skewMs) return [];
  return [
    {
      message: `its annotation ${caStateAnnotation} says that phase ${state.phase} begins in the future (in ${describeAge(aheadMs)})`,
      advice:
        'check the clocks of the nodes and who else may write Secrets; cert-manager, which counts the phase from now, has not: read its log',
    },
  ];
}

/** Allows each phase this time beyond its configured wait. */
const patienceMs = 900_000;

function stuck(
  state: CaState | undefined,
  { trustWaitSeconds, connectionWaitSeconds, overlapHours }: LatchkeyConfig['tls']['rotation'],
  nowMs: number,
): Problem[] {
  if (state?.since === undefined || state.phase === 'stable') return [];
  const ownWaitMs = {
    distributing: trustWaitSeconds * 1_000,
    switching: trustWaitSeconds * 1_000,
    retiring: connectionWaitSeconds * 1_000 + overlapHours * 3_600_000,
  }[state.phase];
  if (nowMs - Date.parse(state.since) < ownWaitMs + patienceMs) return [];
  return [
    {
      message: `the rotation is stuck in phase ${state.phase}`,
      advice: `it waits for ${state.waitingFor.join(', ') || 'cert-manager'}: read its log`,
    },
  ];
}
