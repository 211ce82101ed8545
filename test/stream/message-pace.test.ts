import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { MessageBudget } from '../../src/message-budget.ts';
import { paceMessages } from '../../src/stream/message-pace.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('a socket may send two seconds’ worth of messages at once, and then as many as it is allowed', () => {
  const budget = new MessageBudget(10, 0);

  const burst = Array.from({ length: 20 }, () => budget.take(0));

  expect(burst).toEqual(burst.map(() => 0));
  expect(budget.take(0)).toBe(200);
  expect(budget.take(1000)).toBe(0);
});

test('a socket that sends too fast is left unread until it may send again, and no message is lost', () => {
  const clock = new FakeClock();
  const told: string[] = [];
  const socket = Object.assign(new EventEmitter(), {
    pause: () => void told.push('pause'),
    resume: () => void told.push('resume'),
  });
  const pace = paceMessages(socket, clock, 10);

  for (let i = 0; i < 21; i += 1) pace();
  const before = [...told];
  clock.advance(250);

  expect(before).toEqual(['pause']);
  expect(told).toEqual(['pause', 'resume']);
});

test('a socket that has closed is not read again', () => {
  const clock = new FakeClock();
  let resumed = false;
  const socket = Object.assign(new EventEmitter(), {
    pause: () => undefined,
    resume: () => {
      resumed = true;
    },
  });
  const pace = paceMessages(socket, clock, 10);
  for (let i = 0; i < 21; i += 1) pace();

  socket.emit('close');
  clock.advance(1000);

  expect(resumed).toBe(false);
});
