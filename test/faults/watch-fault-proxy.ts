import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

/** What goes wrong with a request before any answer: refused, cut, or left waiting with the socket open. */
type RequestFault = { status: number; retryAfterSeconds?: number } | 'reset' | 'stall';

/** What happens to the watches that are open: cut, ended in order, gone silent, or a line put in. */
type OpenWatchFault = 'reset' | 'end' | 'stall' | { line: string };

/** How lines of a watch pass: whole; byte by byte; or the next one only to its half, before the connection ends. */
type LineMode = 'whole' | 'split' | 'tear';

type RequestKind = 'list' | 'watch' | 'other';

export interface WatchFaultProxy {
  /** Base URL, plain HTTP: a client has to be told that this is meant (insecure-skip-tls-verify). */
  url: string;
  /** Requests seen, by kind. */
  seen: Readonly<Record<RequestKind, number>>;
  openWatches(): number;
  /** The next `times` requests of this kind fail so. */
  failNext(kind: RequestKind, fault: RequestFault, times?: number): void;
  strikeOpenWatches(fault: OpenWatchFault): void;
  setLineMode(mode: LineMode): void;
  /** Forgets the faults to come and cuts the requests that are left waiting. */
  heal(): void;
  close(): Promise<void>;
}

const kindOf = (request: http.IncomingMessage): RequestKind => {
  const { searchParams, pathname } = new URL(request.url ?? '/', 'http://proxy');
  if (request.method !== 'GET') return 'other';
  // A watch that begins with everything there is.
  if (searchParams.has('sendInitialEvents')) return 'list';
  if (searchParams.has('watch')) return 'watch';
  return searchParams.has('limit') || pathname.endsWith('s') ? 'list' : 'other';
};

const isStream = ({ url }: http.IncomingMessage): boolean =>
  new URL(url ?? '/', 'http://proxy').searchParams.has('watch');

/**
 * A proxy in front of an API server that fails on demand. Everything else passes through unchanged, credentials too.
 * `target` is the API server's URL; its certificate is checked against `ca` when given, else not at all.
 */
export async function startWatchFaultProxy(options: {
  target: string;
  ca?: string;
}): Promise<WatchFaultProxy> {
  const seen: Record<RequestKind, number> = { list: 0, watch: 0, other: 0 };
  const faults: Record<RequestKind, RequestFault[]> = { list: [], watch: [], other: [] };
  const watches = new Map<http.ServerResponse, { stalled: boolean }>();
  const agent = new https.Agent({
    keepAlive: true,
    ...(options.ca === undefined ? { rejectUnauthorized: false } : { ca: options.ca }),
  });
  const waiting = new Set<http.IncomingMessage>();
  let lineMode: LineMode = 'whole';

  const forwardWatch = (chunk: Buffer, response: http.ServerResponse): void => {
    if (watches.get(response)?.stalled) return;
    if (lineMode === 'split') {
      for (const byte of chunk) response.write(Uint8Array.of(byte));
    } else if (lineMode === 'tear') {
      lineMode = 'whole';
      response.end(chunk.subarray(0, chunk.length / 2));
    } else {
      response.write(chunk);
    }
  };

  const forward = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const { method, headers } = request;
    const upstream = https.request(new URL(request.url ?? '/', options.target), {
      agent,
      method: method ?? 'GET',
      headers,
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => {
      watches.delete(response);
      upstream.destroy();
    });
    upstream.on('response', (answer) => {
      answer.on('error', () => response.destroy());
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      if (!isStream(request)) return void answer.pipe(response);
      watches.set(response, { stalled: false });
      response.flushHeaders();
      answer.on('data', (chunk: Buffer) => forwardWatch(chunk, response));
      answer.on('end', () => watches.get(response)?.stalled || response.end());
    });
    request.pipe(upstream);
  };

  const server = http.createServer((request, response) => {
    const kind = kindOf(request);
    seen[kind] += 1;
    const fault = faults[kind].shift();
    if (fault === undefined) forward(request, response);
    else if (fault === 'reset') request.socket.resetAndDestroy();
    else if (fault === 'stall') waiting.add(request);
    else refuse(response, fault);
  });
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    openWatches: () => watches.size,
    failNext: (kind, fault, times = 1) => {
      faults[kind].push(...Array.from({ length: times }, () => fault));
    },
    strikeOpenWatches: (fault) => {
      for (const [response, state] of watches) strike(response, state, fault);
    },
    setLineMode: (mode) => {
      lineMode = mode;
    },
    heal: () => {
      for (const kind of ['list', 'watch', 'other'] as const) faults[kind].length = 0;
      for (const request of waiting) request.socket.destroy();
      waiting.clear();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      agent.destroy();
    },
  };
}

function strike(response: http.ServerResponse, state: { stalled: boolean }, fault: OpenWatchFault): void {
  if (fault === 'reset') response.socket?.resetAndDestroy();
  else if (fault === 'end') response.end();
  else if (fault === 'stall') state.stalled = true;
  else response.write(`${fault.line}\n`);
}

function refuse(response: http.ServerResponse, fault: { status: number; retryAfterSeconds?: number }): void {
  const headers =
    fault.retryAfterSeconds === undefined ? {} : { 'Retry-After': String(fault.retryAfterSeconds) };
  response.writeHead(fault.status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: fault.status }));
}
