import { once } from 'node:events';
import { createServer } from 'node:http2';

/**
 * Accepts and drops the API server's own spans (OTLP over gRPC). The API server passes trace context to webhooks
 * without it too, but its exporter then retries for as long as a shutdown lets it.
 */
export async function startOtlpGrpcSink(port: number): Promise<{ close: () => void }> {
  const emptyMessage = Buffer.alloc(5);
  const server = createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.resume();
    stream.once('end', () => {
      // A server that is killed resets a stream that it has just ended.
      if (stream.destroyed) return;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.end(emptyMessage);
    });
  });
  server.on('sessionError', () => undefined);
  server.listen(port, '127.0.0.1');
  server.unref();
  await once(server, 'listening');
  return { close: () => void server.close() };
}
