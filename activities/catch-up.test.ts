// Property: of a backlog few at a time are on their way through the engine, all of it gets through, and one that never
// arrives, or of which nothing can be learnt, holds up the others for three seconds at most.
import { expect, test } from 'vitest';

import { CatchUp, type Told } from './catch-up.ts';

const told = (n: number): Told => ({ workflowId: `w${n}`, runId: 'r', activityId: '1' });

test('the next ends when one before has been taken in', async () => {
  const taken = new Set<string>();
  let looks = 0;
  const look = ({ workflowId }: Told) => {
    looks += 1;
    return Promise.resolve(taken.has(workflowId));
  };
  const catchUp = new CatchUp(look, () => 0);
  const ended: number[] = [];
  const end = async (n: number) => {
    await catchUp.through(told(n), () => Promise.resolve(void ended.push(n)));
  };
  for (const n of [1, 2, 3]) await end(n);
  const fourth = end(4);
  await expect.poll(() => looks).toBeGreaterThan(6);
  expect(ended).toEqual([1, 2, 3]);
  taken.add('w2');
  await fourth;
  expect(ended).toEqual([1, 2, 3, 4]);
  taken.add('w1').add('w3').add('w4');
  for (const n of [5, 6, 7]) await end(n);
  expect(ended).toHaveLength(7);
});

test.each([
  ['never arrives', () => Promise.resolve(false)],
  ['cannot be asked about', () => Promise.reject(new Error('away'))],
])('one that %s is not waited for without end', async (_name, isTaken) => {
  let nowMs = 0;
  const catchUp = new CatchUp(isTaken, () => (nowMs += 100));
  for (const n of [1, 2, 3]) {
    await catchUp.through(told(n), () => Promise.resolve());
  }
  await catchUp.through(told(4), () => Promise.resolve());
  expect(nowMs).toBeGreaterThan(3000);
  expect(nowMs).toBeLessThan(4000);
});

test('what fails leaves its place, and many that come at once get no more places than there are', async () => {
  const catchUp = new CatchUp(
    () => Promise.resolve(true),
    () => 0,
  );
  const fail = () => Promise.reject(new Error('refused'));
  for (const n of [1, 2, 3, 4]) await expect(catchUp.through(told(n), fail)).rejects.toThrow();
  let underWay = 0;
  let most = 0;
  const work = async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await Promise.resolve();
    underWay -= 1;
  };
  await Promise.all(Array.from({ length: 20 }, (_, n) => catchUp.through(told(n), work)));
  expect(most).toBe(3);
});
