import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { admitReview } from '#shared/core/admission/admit.ts';
import type { SecretRequest } from '#shared/core/flyte/secret-request.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';
import { customManager } from '#shared/managers/custom/custom-manager.ts';
import { loadRecipeFile } from '#shared/managers/custom/recipe-file.ts';
import { aPod, aReview } from '#testkit/pods/a-pod.ts';

const folder = join(import.meta.dirname, '../../deploy/recipes');
const config = latchkeyConfigSchema.parse({ chain: ['own'], custom: { own: 'own.yaml' } });

/** A pod that asks for secrets, and what it gets: its whole spec, names in it, or the code of its denial. */
interface RecipeCase {
  what: string;
  asks: Partial<SecretRequest>[];
  spec?: object;
  expect:
    | { spec?: object; initContainers?: string[]; annotations?: Record<string, string> }
    | { denied: string };
}

interface Injected {
  spec: { initContainers?: { name: string }[] };
  metadata: { annotations: Record<string, string> };
}

for (const file of await readdir(folder)) {
  const cases = parse(await readFile(join(import.meta.dirname, file), 'utf8')) as RecipeCase[];
  const recipe = await loadRecipeFile(join(folder, file), config);
  const rules = createOfflineRules(config, [customManager('own', recipe)])(inventorySchema.parse({}), 'ns');
  for (const { what, asks, spec, expect } of cases) {
    test(`${file}: ${what}`, () => {
      const pod = aPod({ asks, ...(spec === undefined ? {} : { spec }) }) as Injected;
      const before = Object.keys(pod.metadata.annotations);
      const admission = admitReview(aReview(pod), rules);
      if ('denied' in expect) return assert.equal(admission.code, expect.denied);
      assert.equal(admission.outcome, 'injected', admission.code);
      applyPatch(pod, admission.patch);
      if (expect.spec !== undefined) assert.deepEqual(pod.spec, expect.spec);
      const names = pod.spec.initContainers?.map(({ name }) => name);
      if (expect.initContainers !== undefined) assert.deepEqual(names, expect.initContainers);
      const added = Object.entries(pod.metadata.annotations).filter(
        ([name]) => !before.includes(name) && name !== 'latchkey.dev/injected',
      );
      assert.deepEqual(Object.fromEntries(added), expect.annotations ?? {});
    });
  }
}
