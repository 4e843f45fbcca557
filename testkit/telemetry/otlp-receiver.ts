import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

/** An attribute value of OTLP/JSON reduced to what tests compare. */
interface AnyValue {
  stringValue?: string;
  intValue?: string | number;
  boolValue?: boolean;
  doubleValue?: number;
}
type Attributes = { key: string; value: AnyValue }[];
interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes?: Attributes;
  links?: { traceId: string; spanId: string }[];
}
interface OtlpTraces {
  resourceSpans?: { resource?: { attributes?: Attributes }; scopeSpans?: { spans?: OtlpSpan[] }[] }[];
}

/** A span as a test looks at it; ids are lower-case hex. */
export interface ReceivedSpan {
  service: string;
  /** The process: the name of its pod. */
  instance: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  attributes: Readonly<Record<string, string | number | boolean>>;
  links: readonly { traceId: string; spanId: string }[];
}

/** An OTLP/HTTP endpoint (JSON encoding) that keeps the spans it is sent. */
interface OtlpReceiver {
  endpoint: string;
  spans: () => readonly ReceivedSpan[];
  /** Every body as it came, of any signal. */
  bodies: () => readonly string[];
  close: () => Promise<void>;
}

/** Listens on `port` of loopback; signals other than traces are accepted and dropped. */
export async function startOtlpReceiver(port: number): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    try {
      const body = await text(request);
      bodies.push(body);
      if (request.url === '/v1/traces') spans.push(...readSpans(JSON.parse(body) as OtlpTraces));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    } catch {
      response.writeHead(400).end();
    }
  });
  server.listen(port, '127.0.0.1');
  server.unref();
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans: () => spans,
    bodies: () => bodies,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function readSpans({ resourceSpans = [] }: OtlpTraces): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) => {
    const attributes = readAttributes(resource?.attributes);
    const service = String(attributes['service.name'] ?? '');
    const instance = String(attributes['service.instance.id'] ?? '');
    return scopeSpans.flatMap(({ spans = [] }) => spans.map((span) => readSpan({ service, instance }, span)));
  });
}

const readSpan = (source: Pick<ReceivedSpan, 'service' | 'instance'>, span: OtlpSpan): ReceivedSpan => ({
  ...source,
  traceId: span.traceId,
  spanId: span.spanId,
  parentSpanId: span.parentSpanId || undefined,
  name: span.name,
  attributes: readAttributes(span.attributes),
  links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId, spanId })),
});

const readAttributes = (attributes: Attributes = []): Record<string, string | number | boolean> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, readValue(value)]));

const readValue = (value: AnyValue): string | number | boolean =>
  value.stringValue ?? value.boolValue ?? Number(value.intValue ?? value.doubleValue);
