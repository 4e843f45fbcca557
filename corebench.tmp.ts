import { readFile } from 'node:fs/promises';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { admit } from '#shared/core/admission/admit.ts';
import { parseReview } from '#shared/core/admission/admission-review.ts';
import { findJsonExcess } from '#shared/core/text/json-excess.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';
const config = latchkeyConfigSchema.parse({ chain: ['k8s'], k8s: { inventory: 'open' } });
const dec = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const best = (f: () => void, n = 300) => { for (let i = 0; i < 500; i++) f(); let b = Infinity; for (let r = 0; r < 25; r++) { const t = performance.now(); for (let i = 0; i < n; i++) f(); b = Math.min(b, (performance.now() - t) / n); } return (b * 1000).toFixed(1); };
let memo: any; try { memo = (await import('#shared/core/admission/decision-memo.ts')).createDecisionMemo(); } catch {}
for (const name of ['review.json', 'review-12k.json', 'review-50.json']) {
  const body = await readFile('test/golden/' + name);
  const { namespace } = JSON.parse(body.toString('utf8')).request;
  const rules: any = createOfflineRules(config)(inventorySchema.parse({}), namespace);
  console.log(name, body.length, 'scan', best(() => findJsonExcess(body)), 'parse', best(() => JSON.parse(dec.decode(body))), 'parseReview', best(() => parseReview(body)), 'admit', best(() => admit(body, rules)), memo && ('memo ' + best(() => admit(body, rules, { memo } as any))), 'answer json', best(() => JSON.stringify(admit(body, rules).response)));
}
