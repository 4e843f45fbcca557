import { readFile } from 'node:fs/promises';
import fastify from 'fastify';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import type { ConstantAnswer } from './constant-answer.ts';

interface Review {
  apiVersion: string;
  kind: string;
  request: { uid: string };
}

/** The same as the bare server, with fastify and its own parser. */
const [file = ''] = process.argv.slice(2);
const { port, certificate, key, patch }: ConstantAnswer = JSON.parse(await readFile(file, 'utf8'));

const app = fastify({ https: { cert: certificate, key } });
app.post<{ Body: Review }>(webhookPath, async ({ body: { apiVersion, kind, request } }, reply) => {
  const response = { uid: request.uid, allowed: true, patchType: 'JSONPatch', patch };
  return reply.type('application/json').send(JSON.stringify({ apiVersion, kind, response }));
});
await app.listen({ host: '127.0.0.1', port });
