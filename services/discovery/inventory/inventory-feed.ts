import { isDeepStrictEqual } from 'node:util';
import { type Span, SpanKind, trace } from '@opentelemetry/api';
import type { Publisher } from '#shared/bus/publish/publisher.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import type { InventoryEntry } from '#shared/contracts/inventory/inventory-entry.ts';
import type { InventoryNamespace } from '#shared/contracts/inventory/inventory-namespace.ts';
import { carrierFrom } from '#shared/runtime/trace-carrier.ts';

/** Brings what is known of one source to the bus. Nothing is published before `complete` is called once. */
export interface InventoryFeed {
  /** Puts, or with undefined removes, an entry. */
  entry(namespace: string | undefined, secret: string, entry: InventoryEntry | undefined): void;
  /** Puts, or with undefined removes, the marker of a namespace. */
  namespace(namespace: string, marker: InventoryNamespace | undefined): void;
  /** Says that everything that exists has been handed over: the whole set is published, then each change. */
  complete(): void;
}

type InventoryRecord = InventoryEntry | InventoryNamespace;

/** Creates a feed. Each change begins a trace, which follows it from the watch to every gateway that applies it. */
export function createInventoryFeed(source: string, publisher: Publisher): InventoryFeed {
  const tracer = trace.getTracer('latchkey');
  const records = new Map<string, InventoryRecord>();
  let complete = false;

  const change = (key: string, value: InventoryRecord | undefined): void => {
    if (isDeepStrictEqual(records.get(key), value)) return;
    const attributes = {
      'latchkey.source': source,
      'latchkey.key': key,
      'latchkey.removed': value === undefined,
    };
    tracer.startActiveSpan('secret observed', { kind: SpanKind.CONSUMER, attributes }, (span: Span) => {
      try {
        const carrier = carrierFrom();
        if (value === undefined) records.delete(key);
        else records.set(key, value);
        // Also before all is known: to hand a hundred thousand over at once would hold the event loop up.
        if (value === undefined) publisher.remove(key, carrier);
        else publisher.put(key, value, carrier);
      } finally {
        span.end();
      }
    });
  };

  return {
    entry: (namespace, secret, entry) =>
      change(formatKey({ owner: source, kind: 'entry', namespace, secret }), entry),
    namespace: (namespace, marker) =>
      change(formatKey({ owner: source, kind: 'namespace', namespace }), marker),
    complete: () => {
      if (complete) return;
      publisher.complete();
      complete = true;
    },
  };
}
