// Connections: pipelines, several clients, and a server that comes back.

import { once } from 'node:events';

import { check, equal, kill, raises, start } from './harness.mjs';
import { newClient, redis } from './connection.mjs';

const numbers = (count) => Array.from({ length: count }, (_, number) => number);

check('pipelines of hundreds', async () => {
  const pipeline = redis.pipeline();
  for (const number of numbers(800)) pipeline.set(`k${number}`, `v${number}`);
  for (const number of numbers(800)) pipeline.get(`k${number}`);
  const answers = await pipeline.exec();
  equal(answers.slice(0, 800), Array(800).fill([null, 'OK']));
  equal(answers.slice(800), numbers(800).map((number) => [null, `v${number}`]));
  equal(await Promise.all(numbers(500).map(() => redis.incr('n'))), numbers(500).map((number) => number + 1));
});

check('pipelines that the library makes by itself', async () => {
  const client = newClient({ enableAutoPipelining: true });
  equal(await Promise.all(numbers(300).map((number) => client.set(`k${number}`, `v${number}`))), Array(300).fill('OK'));
  equal(await Promise.all(numbers(300).map((number) => client.get(`k${number}`))), numbers(300).map((number) => `v${number}`));
  await client.quit();
});

check('an error in a pipeline leaves the others', async () => {
  const answers = await redis.pipeline().set('text', 'x').incr('text').call('NOSUCH').get('text').exec();
  equal(answers.map(([error]) => error?.name ?? null), [null, 'ReplyError', 'ReplyError', null]);
  equal(answers[3][1], 'x');
});

check('pipelines of big values', async () => {
  const value = 'v'.repeat(256 << 10);
  await Promise.all(numbers(40).map((number) => redis.set(`k${number}`, value + number)));
  const read = await Promise.all(numbers(40).map((number) => redis.get(`k${number}`)));
  equal(read.every((text, number) => text === value + number), true, '40 values of 256 KiB');
});

check('several clients at once', async () => {
  const clients = numbers(5).map(() => newClient());
  await Promise.all(
    numbers(10).map(async (task) => {
      const client = clients[task % clients.length];
      for (const number of numbers(20)) {
        await client.incr('shared');
        await client.set(`${task}:${number}`, `${number}`);
        equal(await client.get(`${task}:${number}`), `${number}`);
      }
    }),
  );
  await Promise.all(clients.map((client) => client.quit()));
  equal(await redis.get('shared'), '200');
  equal(await redis.dbsize(), 201);
});

check('a server that comes back', async () => {
  const loyal = newClient({ retryStrategy: () => 50, maxRetriesPerRequest: null });
  const hasty = newClient({ retryStrategy: () => null });
  equal(await loyal.set('kept', 'before'), 'OK');
  equal(await hasty.ping(), 'PONG');
  const ended = once(hasty, 'end');
  await kill();
  await ended;
  await raises('Connection is closed.', hasty.ping());
  // Sent once there is a server again: the library asks with INFO whether it is still loading.
  const later = loyal.get('kept');
  await start();
  equal(await later, 'before', 'what was acknowledged is there');
  equal(await loyal.set('kept', 'after'), 'OK');
  equal(await redis.get('kept'), 'after', 'over a new connection');
  await loyal.quit();
});
