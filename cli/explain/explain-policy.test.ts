import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createPrinter } from '#cli/printer.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { aPod, aReview } from '#testkit/pods/a-pod.ts';
import { describeExplanation } from './describe-explanation.ts';
import { explainBatch } from './explain-batch.ts';
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
  const report = (pod: object): string =>
    describeExplanation(explain(inventory, aReview(pod)), pod).join('\n');
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
  await explainBatch(Readable.from(lines.map((line) => `${line}\n`)), createPrinter(output));
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

test('explain names what else the variable of a global secret can be read as, and says it of no other secret', () => {
  const config = latchkeyConfigSchema.parse({});
  const env = { FLYTE_SECRET_A_B_C: 'x', FLYTE_SECRET_A_B: 'x' };
  const known = { global: { env, files: { 'a/c_d': 'x' } }, k8s: { ns: { a: ['b_c'] } } };
  const report = (group: string, key: string): string => {
    const pod = aPod({ asks: [{ group, key, mountRequirement: 1 }] });
    return describeExplanation(createExplain(config)(known, aReview(pod)), pod).join('\n');
  };
  assert.match(
    report('a', 'b_c'),
    /\n {4}ambiguous: global has it under a name that is also that of "a_b\/c"\n/,
  );
  assert.match(
    report('a', 'b_c'),
    /\nwarning: secret a\/b_c of k8s is hidden: global has one name for it and a_b\/c$/m,
  );
  assert.match(report('A_b', 'C'), /ambiguous: .* "a\/b_c"$/m);
  assert.doesNotMatch(report('A_b', 'C'), /is hidden/);
  for (const key of ['b', 'c_d']) assert.doesNotMatch(report('a', key), /ambiguous/);
});
