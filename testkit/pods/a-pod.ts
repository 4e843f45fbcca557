import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { encodeAnnotation, type SecretRequest } from '#shared/core/flyte/secret-request.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';

export const mountNumber = { any: 0, env: 1, file: 2 } as const;

/** The annotation value of a request; what is left out is empty. */
export function anAnnotation(request: Partial<SecretRequest>): string {
  return encodeAnnotation({
    group: '',
    groupVersion: '',
    key: '',
    envVar: '',
    mountRequirement: 0,
    ...request,
  });
}

/** A pod that asks for these secrets, in their order. */
export function aPod(options: {
  asks?: Partial<SecretRequest>[];
  spec?: object;
  metadata?: object;
  annotations?: Record<string, string>;
}): object {
  const asked = (options.asks ?? []).map((ask, index) => [`flyte.secrets/s${index}`, anAnnotation(ask)]);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'task',
      labels: { 'inject-flyte-secrets': 'true' },
      annotations: { ...Object.fromEntries(asked), ...options.annotations },
      ...options.metadata,
    },
    spec: { containers: [{ name: 'main', image: 'img' }], ...options.spec },
  };
}

/** The AdmissionReview of a pod that is created in namespace `ns`. */
export function aReview(object: unknown, request: object = {}): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'uid-1',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      namespace: 'ns',
      object,
      ...request,
    },
  };
}

export function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** Rules as a gateway would hold them for this configuration and inventory. */
export function someRules(config: object = {}, inventory: object = {}, namespace = 'ns'): Rules {
  return createOfflineRules(latchkeyConfigSchema.parse(config))(inventorySchema.parse(inventory), namespace);
}
