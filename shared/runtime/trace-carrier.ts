import { type Context, context, propagation, ROOT_CONTEXT } from '@opentelemetry/api';

/** W3C trace context as it travels: in NATS headers, in HTTP headers, beside a rule in memory. */
export interface TraceCarrier {
  traceparent?: string;
  tracestate?: string;
}

/** The context that a carrier names; the root context when it names none. */
export const contextFrom = (carrier: TraceCarrier): Context => propagation.extract(ROOT_CONTEXT, carrier);

/** The carrier of a context (the active one by default); empty when there is no trace. */
export function carrierFrom(source: Context = context.active()): TraceCarrier {
  const carrier: TraceCarrier = {};
  propagation.inject(source, carrier);
  return carrier;
}
