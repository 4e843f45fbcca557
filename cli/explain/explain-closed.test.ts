import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createPrinter } from '#cli/printer.ts';
import { aPod, aReview, mountNumber } from '#testkit/pods/a-pod.ts';
import { explainBatch } from './explain-batch.ts';

const arn = 'arn:aws:secretsmanager:eu-west-1:1:secret';
const config = {
  chain: ['aws', 'gcp'],
  aws: { inventory: 'closed' },
  gcp: { inventory: 'closed', provider: { projects: ['p'] } },
};
const inventory = { aws: [`${arn}:db-AbCdEf`], gcp: { 'projects/p/secrets/token': ['3'] } };

/** The status of a pod that asks AWS for a secret, or GCP for a version of one. */
async function statusOf(asked: { group: string; key: string; groupVersion?: string }): Promise<number> {
  const review = aReview(aPod({ asks: [{ ...asked, mountRequirement: mountNumber.file }] }));
  const output = new PassThrough();
  const answer = text(output);
  await explainBatch(
    Readable.from([JSON.stringify({ id: 1, config, inventory, review })]),
    createPrinter(output),
  );
  output.end();
  const { response } = JSON.parse(await answer);
  return response.allowed ? 200 : response.status.code;
}

test('explain takes from the inventory what closed providers list', async () => {
  assert.equal(await statusOf({ group: arn, key: 'db' }), 200);
  assert.equal(await statusOf({ group: arn, key: 'bd' }), 404);
  assert.equal(await statusOf({ group: 'token', key: '', groupVersion: '3' }), 200);
  assert.equal(await statusOf({ group: 'token', key: '', groupVersion: '4' }), 404);
});
