import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { ConstantAnswer } from './constant-answer.ts';

/** The least that a webhook on Node can do: parses the review, and answers every one with the same patch. */
const [file = ''] = process.argv.slice(2);
const { port, certificate, key, patch }: ConstantAnswer = JSON.parse(await readFile(file, 'utf8'));

createServer({ cert: certificate, key }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { apiVersion, kind, request: asked } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    const answer = { uid: asked.uid, allowed: true, patchType: 'JSONPatch', patch };
    const body = Buffer.from(JSON.stringify({ apiVersion, kind, response: answer }));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
  });
}).listen(port, '127.0.0.1');
