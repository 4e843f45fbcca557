import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printedSpans } from './printed-spans.ts';

test('spans are read with the service of their resource', () => {
  const text = `ResourceSpans #0
Resource attributes:
     -> service.name: Str(apiserver)
Span #0
    Trace ID       : aa11
    Parent ID      :
    ID             : bb
    Name           : KubernetesAPI
ResourceSpans #1
     -> service.name: Str(latchkey-gateway)
    Trace ID       : aa11
    Name           : admission review
    Trace ID       : cc22
    Name           : other
`;
  assert.deepEqual(printedSpans(text), [
    { service: 'apiserver', traceId: 'aa11', name: 'KubernetesAPI' },
    { service: 'latchkey-gateway', traceId: 'aa11', name: 'admission review' },
    { service: 'latchkey-gateway', traceId: 'cc22', name: 'other' },
  ]);
});
