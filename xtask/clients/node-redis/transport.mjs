// Connections: pipelines, pools, tasks, and a server that comes back.

import { createClientPool } from 'redis';

import { check, equal, kill, raises, start } from './harness.mjs';
import { client, newClient, options } from './connection.mjs';

const numbers = (count) => Array.from({ length: count }, (_, number) => number);

check('pipelines of hundreds', async () => {
  // Calls of one turn of the event loop are one pipeline.
  equal(await Promise.all(numbers(800).map((number) => client.set(`k${number}`, `v${number}`))), Array(800).fill('OK'));
  equal(await Promise.all(numbers(800).map((number) => client.get(`k${number}`))), numbers(800).map((number) => `v${number}`));
  const batch = client.multi();
  for (const _ of numbers(500)) batch.incr('n');
  equal(await batch.execAsPipeline(), numbers(500).map((number) => number + 1));
});

check('an error in a pipeline leaves the others', async () => {
  const answers = await Promise.allSettled([
    client.set('text', 'x'),
    client.incr('text'),
    client.sendCommand(['NOSUCH']),
    client.get('text'),
  ]);
  equal(answers.map(({ status }) => status), ['fulfilled', 'rejected', 'rejected', 'fulfilled']);
  equal(answers[3].value, 'x');
});

check('pipelines of big values', async () => {
  const value = 'v'.repeat(256 << 10);
  await Promise.all(numbers(40).map((number) => client.set(`k${number}`, value + number)));
  const read = await Promise.all(numbers(40).map((number) => client.get(`k${number}`)));
  equal(read.every((text, number) => text === value + number), true, '40 values of 256 KiB');
});

check('tasks share a pool', async () => {
  const pool = createClientPool(options, { minimum: 2, maximum: 5 });
  pool.on('error', () => {});
  await pool.connect();
  await Promise.all(
    numbers(10).map(async (task) => {
      for (const number of numbers(20)) {
        await pool.incr('shared');
        await pool.set(`${task}:${number}`, `${number}`);
        equal(await pool.get(`${task}:${number}`), `${number}`);
      }
    }),
  );
  await pool.close();
  equal(await client.get('shared'), '200');
  equal(await client.dbSize(), 201);
});

check('a server that comes back', async () => {
  const loyal = newClient({ socket: { reconnectStrategy: 50 } });
  const hasty = newClient({ socket: { reconnectStrategy: false } });
  await Promise.all([loyal.connect(), hasty.connect()]);
  equal(await loyal.set('kept', 'before'), 'OK');
  const lost = new Promise((resolve) => hasty.once('error', resolve));
  await kill();
  await lost;
  await raises('closed', hasty.ping());
  await start();
  equal(await loyal.get('kept'), 'before', 'what was acknowledged is there');
  equal(await loyal.set('kept', 'after'), 'OK');
  equal(await client.get('kept'), 'after', 'over a new connection');
  await loyal.close();
});
