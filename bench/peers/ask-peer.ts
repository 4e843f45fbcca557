import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { PeerServer } from './peer-server.ts';

/** An answer as it came. */
export interface PeerAnswer {
  status: number;
  body: string;
}

/** Asks a webhook once, on a connection of its own. */
export function askPeer({ url, ca, reviewOf }: PeerServer, asked: string): Promise<PeerAnswer> {
  const review = reviewOf?.(asked) ?? asked;
  const { promise, resolve, reject } = Promise.withResolvers<PeerAnswer>();
  const trust = ca === undefined ? { rejectUnauthorized: false } : { ca };
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(review) };
  const call = request(url, { method: 'POST', headers, agent: false, ...trust }, (response) => {
    const status = response.statusCode ?? 0;
    text(response).then((body) => resolve({ status, body }), reject);
  });
  call.on('error', reject);
  call.end(review);
  return promise;
}

/** The patch of an answer, base64. @throws Error that says why it is not the answer wanted: admitted, with a patch */
export function patchOf({ status, body }: PeerAnswer, review: string): string {
  if (status !== 200) throw new Error(`the answer has status ${status}: ${body.slice(0, 200)}`);
  const { response } = JSON.parse(body);
  if (response.allowed !== true) throw new Error(`the pod is refused: ${response.status?.message}`);
  if (response.uid !== JSON.parse(review).request.uid)
    throw new Error('the answer is that of another review');
  const operations = JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString('utf8') || '[]');
  if (operations.length === 0) throw new Error('the answer has no patch');
  return response.patch;
}
