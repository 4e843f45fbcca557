import type { z } from 'zod';
import { describeConfigIssues, describeProblems } from '#shared/config/config-issue.ts';
import { type LatchkeyConfig, latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import type { AdmissionReviewResponse } from '#shared/core/admission/admission-review.ts';
import { type Admission, admitReview } from '#shared/core/admission/admit.ts';
import { denialOf } from '#shared/core/admission/denial.ts';
import { outcomeLabels, type SecretDecision } from '#shared/core/admission/secret-decision.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import { isObject, member, scalarText } from '#shared/core/text/json-object.ts';
import { chainProblems } from '#shared/managers/chain/chain-problems.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';
import type { Manager } from '#shared/managers/shipped/manager.ts';

/** A decision as `--json` writes it, with the reason where the secret is not injected. */
export type ExplainedSecret = Omit<SecretDecision, 'outcome'> & { verdict: string; message?: string };

export interface Explanation {
  admission: Admission;
  secrets: ExplainedSecret[];
  response: AdmissionReviewResponse['response'];
  /** The pod after the patch; null when it is denied or there is none. */
  pod: unknown;
}

/** Reads a configuration as the services would, but without what they need to know of those who may ask a gateway. */
export function readConfig(value: unknown, source: string): LatchkeyConfig {
  const config = parse(latchkeyConfigSchema, value ?? {}, source);
  const problems = chainProblems(config);
  if (problems.length > 0) throw new LatchkeyError('CONFIG_INVALID', describeProblems(source, problems));
  return config;
}

/** The rules that hold for a request from a namespace. */
export type RulesOf = (namespace: string) => Rules;

/**
 * Answers from the same core as the webhook. The review's pod is patched in place.
 * @throws LatchkeyError when the inventory or the review cannot be read
 */
export type Explain = (inventory: unknown, review: unknown) => Explanation;

/** @param own managers of the operator's own */
export function createExplain(config: LatchkeyConfig, own: readonly Manager[] = []): Explain {
  const rulesFor = createInventoryRules(config, own);
  return (inventory, review) => explainReview(review, rulesFor(inventory));
}

/**
 * Reads an inventory once for all namespaces.
 * @returns the rules that follow from it; throws CONFIG_INVALID when it is none
 */
export function createInventoryRules(
  config: LatchkeyConfig,
  own: readonly Manager[] = [],
): (inventory: unknown) => RulesOf {
  const rulesOf = createOfflineRules(config, own);
  return (inventory) => {
    const known = parse(inventorySchema, inventory ?? {}, 'inventory');
    const byNamespace = new Map<string, Rules>();
    return (namespace) => {
      const rules = byNamespace.get(namespace) ?? rulesOf(known, namespace);
      byNamespace.set(namespace, rules);
      return rules;
    };
  };
}

/** Answers one review; its pod is patched in place. @throws LatchkeyError when the review cannot be read */
export function explainReview(review: unknown, rulesOf: RulesOf): Explanation {
  const request = member(review, 'request');
  const object = member(request, 'object');
  const namespace = member(request, 'namespace') ?? member(member(object, 'metadata'), 'namespace');
  const admission = admitReview(review, rulesOf(scalarText(namespace ?? '')));
  const { response } = admission;
  if (!('response' in response)) {
    throw new LatchkeyError(admission.code ?? 'REQUEST_MALFORMED', response.message);
  }
  applyPatch(object, admission.patch);
  const pod = response.response.allowed && isObject(object) ? object : null;
  return { admission, secrets: explainSecrets(admission), response: response.response, pod };
}

function explainSecrets({ secrets, rejected }: Admission): ExplainedSecret[] {
  const byAnnotation = new Map(rejected.map((secret) => [secret.annotation, secret]));
  return secrets.map(({ outcome, ...secret }) => {
    const one = byAnnotation.get(secret.annotation);
    return { ...secret, verdict: outcomeLabels[outcome], ...(one && denialOf([one])) };
  });
}

function parse<T>(schema: z.ZodType<T>, value: unknown, source: string): T {
  const parsed = checkShape(schema, value);
  if (parsed.success) return parsed.data;
  throw new LatchkeyError('CONFIG_INVALID', describeConfigIssues(source, parsed.error.issues));
}
