import Fastify, { type FastifyInstance } from 'fastify';

/** Why a process is not ready, one sentence each; ready when there is none. */
type NotReady = () => readonly string[];

/**
 * The plain HTTP server for the kubelet and Prometheus: `/livez`, `/readyz` (503 and the reasons when not ready),
 * `/metrics`. It holds no secret and needs no TLS.
 */
export function createHealthServer(options: {
  notReady: NotReady;
  remarks: () => readonly string[];
  metricsText: () => Promise<string>;
}): FastifyInstance {
  const server = Fastify({ forceCloseConnections: true });
  server.get('/livez', () => ({ status: 'alive' }));
  server.get('/readyz', (_request, reply) => {
    const reasons = options.notReady();
    return reply
      .code(reasons.length === 0 ? 200 : 503)
      .send({ ready: reasons.length === 0, reasons, remarks: options.remarks() });
  });
  server.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await options.metricsText()),
  );
  return server;
}
