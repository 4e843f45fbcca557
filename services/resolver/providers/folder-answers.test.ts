import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FolderAnswers, foldersAtOnce } from './folder-answers.ts';

const mostAnswerBytes = 100;

/** Answers that come when the test says so, and the paths that were asked for. */
function someAnswers() {
  const asked: string[] = [];
  const waiting = new Map<string, PromiseWithResolvers<{ bytes: number; parse: () => string[] }>>();
  const answers = new FolderAnswers({
    mostAnswerBytes,
    list: (path) => {
      asked.push(path);
      const answer = Promise.withResolvers<{ bytes: number; parse: () => string[] }>();
      waiting.set(path, answer);
      return answer.promise;
    },
  });
  return {
    answers,
    asked,
    answer: async (paths: readonly string[], bytes: number) => {
      for (const path of paths) waiting.get(path)?.resolve({ bytes, parse: () => [path] });
      await nextTurn();
    },
    fail: async (path: string) => {
      waiting.get(path)?.reject(new Error('refused'));
      await nextTurn();
    },
  };
}

const folders = (name: string): string[] =>
  Array.from({ length: foldersAtOnce }, (_, at) => `${name}/${at}/`);

test('each folder is asked for once, none that would need more room, and an answer is given when it is its turn', async () => {
  const { answers, asked, answer } = someAnswers();
  answers.askAhead(folders('a'));
  answers.askAhead([...folders('a'), 'b/', 'c/']);
  assert.deepEqual(asked, [...folders('a'), 'b/']);
  await answer(folders('a'), 1);
  answers.askAhead(['b/', 'c/']);
  assert.deepEqual(asked.slice(foldersAtOnce), ['b/', 'c/']);
  const names = await answers.take('a/0/');
  assert.deepEqual([names?.parse(), answers.take('a/0/')], [['a/0/'], undefined]);
});

test('long answers whose turn comes later make room for those that are next, and are asked for again', async () => {
  const { answers, asked, answer } = someAnswers();
  const [first, second] = [folders('a'), folders('b')];
  answers.askAhead(first);
  await answer(first, mostAnswerBytes);
  answers.askAhead(second);
  assert.deepEqual(asked, [...first, ...second]);
  const left = first.filter((path) => answers.take(path) !== undefined);
  assert.deepEqual(left, ['a/7/']);
  await answer(second, 1);
  answers.askAhead(first.slice(0, 1));
  assert.deepEqual(asked, [...first, ...second, 'a/0/']);
});

test('short answers whose turn comes later stay', async () => {
  const { answers, asked, answer } = someAnswers();
  answers.askAhead(folders('a'));
  await answer(folders('a'), 1);
  answers.askAhead(folders('b'));
  assert.equal(asked.length, 2 * foldersAtOnce);
  for (const path of folders('a')) assert.notEqual(answers.take(path), undefined);
});

test('a refused folder takes no room, and says so when it is its turn', async () => {
  const { answers, asked, fail } = someAnswers();
  answers.askAhead(folders('a'));
  await fail('a/0/');
  answers.askAhead(['b/']);
  assert.equal(asked.at(-1), 'b/');
  await assert.rejects(async () => answers.take('a/0/'), /refused/);
});
