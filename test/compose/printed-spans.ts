/** Is a span as the debug exporter of the collector prints it. */
export interface PrintedSpan {
  service: string;
  traceId: string;
  name: string;
}

const lines =
  /service\.name: Str\((?<service>[^)]*)\)|^\s*Trace ID\s*: (?<traceId>\w+)|^\s*Name\s*: (?<name>.*)$/gm;

/** Reads the spans out of what the exporter has printed: a resource's name stands before the spans of it. */
export function printedSpans(text: string): PrintedSpan[] {
  const spans: PrintedSpan[] = [];
  let [service, traceId] = ['', ''];
  for (const { groups = {} } of text.matchAll(lines)) {
    service = groups.service ?? service;
    traceId = groups.traceId ?? traceId;
    if (groups.name !== undefined) spans.push({ service, traceId, name: groups.name.trim() });
  }
  return spans;
}
