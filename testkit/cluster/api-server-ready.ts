import { get } from 'node:https';

/** Asks the API server on that loopback port whether it is ready. Throws while nothing listens there. */
export function isApiServerReady(port: number, token: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${token}` };
  // The authority is not known before the server has made its certificate; only readiness is read here.
  const options = { host: '127.0.0.1', port, path: '/readyz', headers, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    get(options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', reject);
  });
}
