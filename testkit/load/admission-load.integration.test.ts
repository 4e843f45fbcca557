import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import {
  generateRsaKeys,
  issueCaCertificate,
  issueLeafCertificate,
} from '#shared/certificates/issue-certificate.ts';
import { reviewUid } from '#testkit/gateway/ask-gateway.ts';
import { type LoadCase, type LoadFailure, startAdmissionLoad } from './admission-load.ts';

interface Review {
  request: { uid: string; name: string };
}
type Answer = (response: ServerResponse, uid: string) => void;

const patch = 'W10=';
const admitted = (uid: string, given: string): string =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, allowed: true, patchType: 'JSONPatch', patch: given },
  });
let isBusy = true;

/** A webhook that answers each case in its own way. */
const answers: Record<string, Answer> = {
  right: (response, uid) => response.end(admitted(uid, patch)),
  'another patch': (response, uid) => response.end(admitted(uid, 'e30=')),
  'of another request': (response) => response.end(admitted('another', patch)),
  'cut off': (response) => response.destroy(),
  'an error': (response) => response.writeHead(500).end(),
  'busy at first': (response, uid) => {
    if (isBusy) response.writeHead(503, { 'retry-after': '0' }).end();
    else response.end(admitted(uid, patch));
    isBusy = !isBusy;
  },
};
const wrong = ['another patch', 'of another request', 'cut off', 'an error'];

const [caKeys, leafKeys] = await Promise.all([generateRsaKeys(2048), generateRsaKeys(2048)]);
const authority = issueCaCertificate(caKeys, Date.now(), 3_600_000);
const leaf = issueLeafCertificate(leafKeys, authority, ['a-webhook', '127.0.0.1'], Date.now(), 3_600_000);
const server = createServer({ cert: leaf.certificate, key: leaf.key }, (request, response) => {
  if (request.method === 'GET') sendConfiguration(request, response);
  else
    void json(request).then((body) => {
      const { uid, name } = (body as Review).request;
      answers[name]?.(response, uid);
    });
});

/** As the API server gives the caBundle: the object, and a watch in which nothing happens. */
function sendConfiguration({ url = '' }: IncomingMessage, response: ServerResponse): void {
  const caBundle = Buffer.from(authority.certificate).toString('base64');
  const webhooks = [{ name: 'a-webhook', clientConfig: { caBundle } }];
  response.write(url.includes('watch') ? '\n' : JSON.stringify({ webhooks }));
  if (!url.includes('watch')) response.end();
}

before(() => once(server.listen(0, '127.0.0.1'), 'listening'));
after(() => {
  server.closeAllConnections();
  server.close();
});

const aCase = (name: string): LoadCase => ({
  name,
  review: { request: { uid: reviewUid, name } },
  pod: {},
  namespace: 'load',
  accept: [{ code: 200, patch }],
});

test('the load counts exactly the answers that are not what they must be, and repeats only when told to', async () => {
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const load = await startAdmissionLoad({
    uid: reviewUid,
    webhook: { address, serverName: 'a-webhook', path: '/', timeoutMs: 5_000 },
    apiServer: {
      url: `https://${address}`,
      ca: authority.certificate,
      token: '',
      configuration: 'a',
      webhook: 'a-webhook',
    },
    clients: [
      { name: 'kept', kind: 'kept', perSecond: 60, workers: 1 },
      { name: 'fresh', kind: 'fresh', perSecond: 60, workers: 1 },
    ],
    cases: Object.keys(answers).map(aCase),
  });
  await load.untilAnswered(24);
  load.accept('another patch', [{ code: 200, patch: 'e30=' }]);
  await load.untilAnswered(24);
  const before = load.failures().length;
  await load.untilAnswered(24);
  const { clients } = await load.stop();
  const later = load.failures().slice(before);
  const answered = clients.reduce((sum, each) => sum + each.answered, 0);
  for (const { client, answered, repeated } of clients) {
    const share = repeated / answered;
    assert.ok(share > 0.1 && share < 0.25, `${share} of the answers to ${client} took a repetition`);
  }
  const casesOf = (failures: readonly LoadFailure[]) =>
    [...new Set(failures.map((failure) => failure.case))].sort();
  assert.deepEqual(casesOf(load.failures()), [...wrong].sort());
  assert.deepEqual(casesOf(later), wrong.filter((name) => name !== 'another patch').sort());
  const share = load.failures().length / answered;
  assert.ok(share > 0.4 && share < 0.7, `${share} of the answers failed`);
});
