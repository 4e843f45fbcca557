import { readFileSync } from 'node:fs';
import { latchkeyConfigSchema } from '#shared/contracts/latchkey-config.ts';
import { type Admission, admitReview } from '#shared/core/admit.ts';
import { applyPatch } from '#shared/core/json-patch.ts';
import { inventorySchema, offlineRules } from '#shared/core/offline-rules.ts';

/** A pod as JSON; tests look into it freely. */
export type Json = { [key: string]: Json } & Json[] & string;

export type GoldenCase = {
  id: string;
  category: string;
  config: { secretManagerType: string };
  globals: { env: Record<string, string>; files: Record<string, string> };
  namespace: string;
  pod: Json;
  expect: { changed: boolean; error: string | null; pod: Json | null };
  deviates?: string[];
  note?: string;
  want?: 'inject' | '400';
};

/** Reads one of the recorded files. */
export function readGolden<T>(file: string): T[] {
  const path = new URL(`./golden/${file}`, import.meta.url);
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): T => JSON.parse(line));
}

export const goldenConfig = latchkeyConfigSchema.parse({
  chain: ['global', 'k8s'],
  global: { delivery: 'inline' },
  k8s: { inventory: 'open' },
});

/** What latchkey answers to a recorded pod, and the pod after the patch. */
export function answerGolden({ globals, namespace, pod }: GoldenCase): { admission: Admission; pod: Json } {
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
  const rules = offlineRules(goldenConfig, inventorySchema.parse({ global: globals }), namespace);
  const admission = admitReview(review, rules);
  const after = structuredClone(pod);
  applyPatch(after, admission.patch);
  return { admission, pod: after };
}
