import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { normalPath } from './mount-path.ts';

test('a mount path is normal as POSIX resolves it from the root', () => {
  const segment = fc.constantFrom('a', 'bc', '..', '.', '', '...', '..a');
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 12 }), fc.boolean(), (segments, absolute) => {
      const path = `${absolute ? '/' : ''}${segments.join('/')}`;
      assert.equal(normalPath(path), posix.resolve('/', path));
    }),
  );
});
