import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { listingError } from './listing-error.ts';

const canary = 'hvs.CANARY';

function parserError(): unknown {
  try {
    return JSON.parse(canary);
  } catch (error) {
    return error;
  }
}

test('an error says what an SDK says, and nothing of the body that it quotes', () => {
  const quoting = new Error(`An unknown error occurred. Response body:\n\n<html>${canary}</html>`);
  const causes = [parserError(), quoting, new Error('parsing failed', { cause: parserError() })];
  for (const cause of causes) {
    const { code, message } = listingError('azure', cause);
    assert.equal(code, 'PROVIDER_UNREACHABLE');
    assert.match(message, /^listing the secrets of azure failed with (Syntax)?Error: /);
    assert.doesNotMatch(message, /CANARY|hvs/);
  }
  const refused = new Error('denied', { cause: new Error('for this role') });
  assert.match(listingError('aws', refused).message, /failed with Error: denied: for this role$/);
  assert.equal(listingError('aws', 'text').code, 'PROVIDER_UNREACHABLE');
});

test('an error of our own is told as it is, however often an SDK has wrapped it', () => {
  const own = new LatchkeyError('SET_TOO_LARGE', 'too much');
  assert.equal(
    listingError('gcp', new Error('14 UNAVAILABLE', { cause: new Error('x', { cause: own }) })),
    own,
  );
});
