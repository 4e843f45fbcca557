import { readFileSync } from 'node:fs';
import { type LatchkeyConfig, latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { type Admission, admitReview } from '#shared/core/admission/admit.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';

/** A pod as JSON; tests look into it freely. */
export type Json = { [key: string]: Json } & Json[] & string;

export interface GoldenCase {
  id: string;
  category: string;
  config: { secretManagerType: string; aws?: object; gcp?: object; vault?: object };
  globals: { env: Record<string, string>; files: Record<string, string> };
  namespace: string;
  pod: Json;
  expect: { changed: boolean; error: string | null; pod: Json | null };
  deviates?: string[];
  note?: string;
  want?: 'inject' | '400';
}

/** Reads one of the recorded files. */
export function readGolden<T>(file: string): T[] {
  const path = new URL(`../../test/golden/${file}`, import.meta.url);
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): T => JSON.parse(line));
}

/** The configuration that answers as the recorded Flyte did: global values inline, then one manager that trusts. */
function goldenConfig({ secretManagerType, ...sections }: GoldenCase['config']): LatchkeyConfig {
  return latchkeyConfigSchema.parse({
    chain: ['global', secretManagerType.toLowerCase()],
    global: { delivery: 'inline' },
    k8s: { inventory: 'open' },
    ...sections,
  });
}

/** What latchkey answers to a recorded pod, and the pod after the patch. */
export function answerGolden({
  config,
  globals,
  namespace,
  pod,
}: Omit<GoldenCase, 'id' | 'category' | 'expect'>): {
  admission: Admission;
  pod: Json;
} {
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'golden',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      namespace,
      object: pod,
    },
  };
  const inventory = inventorySchema.parse({ global: globals });
  const rules = createOfflineRules(goldenConfig(config))(inventory, namespace);
  const admission = admitReview(review, rules);
  const after = structuredClone(pod);
  applyPatch(after, admission.patch);
  return { admission, pod: after };
}
