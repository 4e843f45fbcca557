import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/latchkey-config.ts';
import { aPod, aReview } from '#test/pod-builder.ts';
import { explainBatch } from './explain-batch.ts';
import { describeExplanation } from './explain-report.ts';
import { createExplain } from './explanation.ts';

const policy = {
  rules: [
    { name: 'mine', groups: ['db'], namespaces: ['ns'] },
    { name: 'theirs', groups: ['payments'], namespaces: ['pay-*'] },
  ],
};
const inventory = { k8s: { ns: { db: ['pass'], payments: ['card'] } } };
const asking = (group: string, key: string): object => aPod({ asks: [{ group, key }] });
const db = asking('db', 'pass');
const payments = asking('payments', 'card');

test('explain names the line of the policy that allowed a secret, and the one that denied it', () => {
  const explain = createExplain(latchkeyConfigSchema.parse({ policy }));
  const report = (pod: object): string => describeExplanation(explain(inventory, aReview(pod)), pod);
  assert.match(report(db), /injected by k8s as file \(policy: rule "mine"\): /);
  assert.match(
    report(payments),
    /^denied 403 Forbidden\n.*\n.*by the policy: rule "theirs".*\[POLICY_FORBIDDEN\]/,
  );
});

test('a batch takes the policy of each line', async () => {
  const lines = [{ policy }, {}].map((config, id) =>
    JSON.stringify({ id, config, inventory, review: aReview(payments) }),
  );
  const output = new PassThrough();
  await explainBatch(Readable.from(lines.map((line) => `${line}\n`)), output);
  output.end();
  const answers = (await text(output))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    answers.map(({ response }) => response.status?.code ?? 'allowed'),
    [403, 'allowed'],
  );
});
