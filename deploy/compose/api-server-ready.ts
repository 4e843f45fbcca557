import { request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';

// Program of the Compose service `api-server-ready`: the image of kube-apiserver has no program that could ask for its
// health. Ends when `/readyz` answers 200; its certificate is not checked, for nothing but this status is read.
const [url = ''] = process.argv.slice(2);
const pollIntervalMs = 500;

const isReady = (): Promise<boolean> =>
  new Promise((resolve) => {
    request(url, { rejectUnauthorized: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .on('error', () => resolve(false))
      .end();
  });

while (!(await isReady())) await delay(pollIntervalMs);
