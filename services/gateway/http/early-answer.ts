import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import type { Clock } from '#shared/runtime/clock.ts';

/** How long a client may go on sending after an answer that did not wait for its body, ms. */
const lingerMs = 1_000;

/**
 * Gives a text that ends when the request's body has ended, a second later at most: then the connection may be closed
 * without a reset (see body-reader.ts). With its length in the head the answer is complete for the client at once.
 */
export function earlyAnswer(text: string, request: IncomingMessage, clock: Pick<Clock, 'sleep'>): Readable {
  const answer = new PassThrough();
  const end = (): void => void answer.end();
  answer.write(text);
  request.once('end', end);
  void clock.sleep(lingerMs).then(end);
  return answer;
}
