import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { admit } from '#shared/core/admission/admit.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';

/** Time of one decision, from the body's bytes to the answer: `npm run bench:admit`. */
const reviews = ['review.json', 'review-mf.json', 'review-12k.json', 'review-50.json'];
const rounds = 2_000;
const config = latchkeyConfigSchema.parse({ chain: ['k8s'], k8s: { inventory: 'open' } });

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

const rows = [];
for (const name of reviews) {
  const body = await readFile(join(import.meta.dirname, '../../test/golden', name));
  const { namespace } = JSON.parse(body.toString('utf8')).request;
  const rules = createOfflineRules(config)(inventorySchema.parse({}), namespace);
  const timesMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedAtMs = performance.now();
    admit(body, rules);
    timesMs.push(performance.now() - startedAtMs);
  }
  timesMs.sort((a, b) => a - b);
  const { secrets, outcome } = admit(body, rules);
  rows.push({
    review: name,
    bytes: body.length,
    secrets: secrets.length,
    outcome,
    'median ms': Number(percentile(timesMs, 0.5).toFixed(3)),
    'p99 ms': Number(percentile(timesMs, 0.99).toFixed(3)),
  });
}
console.table(rows);
