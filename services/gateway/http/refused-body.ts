import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#shared/runtime/clock.ts';

/**
 * A pod is at most 3 MiB, an UPDATE carries two, JSON is larger than the stored form
 * (docs/reference/kube-apiserver.md C11).
 */
export const bodyLimitBytes = 8 * 1024 * 1024;

/** How long a client may go on sending after an answer that did not wait for its body, ms. */
const lingerMs = 1_000;

/**
 * Reads the rest of a body and throws it away, whoever was reading it. Why at all: the kernel turns a close with bytes
 * left unread into a reset, which takes an answer along that the client has not read; Go repeats no POST after that.
 * @param then.whole called once when all of it has been read, at once when it was already
 * @param then.tooLong called when it is longer than any that would be taken
 */
export function discardBody(
  request: IncomingMessage,
  then: { whole: () => void; tooLong: () => void },
): void {
  for (const event of ['data', 'end', 'error']) request.removeAllListeners(event);
  if (request.readableEnded) {
    then.whole();
    return;
  }
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    const before = bytes;
    bytes += chunk.length;
    if (before <= bodyLimitBytes && bytes > bodyLimitBytes) then.tooLong();
  });
  request.once('end', then.whole);
  request.resume();
}

/**
 * Answers a request whose body has not ended, and then ends its connection: when the body has ended, a second later at
 * most. The answer is complete for the client from the beginning, since its length is given.
 */
export function answerEarly(
  request: IncomingMessage,
  response: ServerResponse,
  answer: { status: number; headers: Readonly<Record<string, string>>; text: string; clock: Clock },
): void {
  const { status, headers, text, clock } = answer;
  response.writeHead(status, { ...headers, connection: 'close' });
  response.write(text);
  const end = (): void => void response.end();
  request.once('end', end);
  void clock.sleep(lingerMs).then(end);
}
