import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { mostAnswerBytes } from '#testkit/providers/a-listing.ts';
import { createAwsProvider } from '../../services/resolver/providers/aws-provider.ts';
import { listAll } from './held-rules.ts';
import { assertListFault } from './list-fault.ts';
import { awsEnvironment, region } from './moto.ts';

// The official SDK against answers that AWS does not give; listing-proof.ts lists from moto's server.
const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/db-AbCdEf';
const canary = 'CANARY';
const asked: unknown[] = [];
let answer: (token: string | undefined) => { status?: number; body: string };

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { NextToken: token } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  asked.push(token);
  const { status = 200, body } = answer(token);
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(body);
});
before(async () => {
  Object.assign(process.env, awsEnvironment);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => {
  server.closeAllConnections();
  server.close();
});

function openProvider() {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return createAwsProvider({ region, endpoint, refreshSeconds: 60 }, mostAnswerBytes);
}

test('pages of AWS are asked for one after another, empty ones too', async () => {
  answer = (token) => {
    if (token === undefined) return { body: JSON.stringify({ SecretList: [], NextToken: 'second' }) };
    return { body: JSON.stringify({ SecretList: [{ ARN: arn }] }) };
  };
  assert.deepEqual(await listAll(openProvider()), [{ secret: arn, keys: [] }]);
  assert.deepEqual(asked, [undefined, 'second']);
});

test('answers of AWS without end, too long or not its own end the list with an error that quotes none of them', async () => {
  const ends = async (given: typeof answer, code: string, words: RegExp): Promise<void> => {
    answer = given;
    await assertListFault('aws', openProvider(), { code, words, canary });
  };
  const page = JSON.stringify({ SecretList: [], NextToken: 'again' });
  const long = JSON.stringify({ SecretList: [{ ARN: arn, Description: 'x'.repeat(4 * 1_024 * 1_024) }] });
  const html = `<html>${canary}</html>`;
  await ends(() => ({ body: page }), 'PROVIDER_UNREACHABLE', /the list of AWS Secrets Manager has no end/);
  await ends(
    () => ({ body: long }),
    'SET_TOO_LARGE',
    /AWS answered 200 for ListSecrets with more than 1048576 bytes/,
  );
  for (const status of [200, 502]) {
    const words = new RegExp(
      `AWS answered ${status} for ListSecrets with ${html.length} bytes of .* no JSON`,
    );
    await ends(() => ({ status, body: html }), 'PROVIDER_UNREACHABLE', words);
  }
  const refusal = JSON.stringify({ __type: 'AccessDeniedException', message: 'not authorized' });
  await ends(
    () => ({ status: 400, body: refusal }),
    'PROVIDER_UNREACHABLE',
    /AccessDeniedException: not authorized/,
  );
});
