// Keys and their expiry: found, counted, iterated, renamed, copied, dumped, ended.

import { check, equal, raises, within } from './harness.mjs';
import { redis } from './connection.mjs';

// No test takes this long, in seconds; what is left of an expiry is judged with it.
const slack = 60;

async function scanned(options) {
  const found = new Set();
  for await (const page of redis.scanStream(options)) for (const key of page) found.add(key);
  return [...found].sort();
}

check('existence', async () => {
  await redis.mset({ a: '1', b: '2', c: '3' });
  equal(await redis.exists('a', 'b', 'none', 'a'), 3);
  equal(await redis.touch('a', 'none'), 1);
  equal(await redis.type('a'), 'string');
  equal(await redis.type('none'), 'none');
  equal(await redis.dbsize(), 3);
  equal(await redis.del('a', 'none'), 1);
  equal(await redis.unlink('b', 'c'), 2);
  equal(await redis.randomkey(), null);
  await redis.set('only', '1');
  equal(await redis.randomkey(), 'only');
});

check('keys by pattern', async () => {
  await redis.mset({ hello: 'v', hallo: 'v', hxllo: 'v', other: 'v' });
  equal((await redis.keys('h?llo')).sort(), ['hallo', 'hello', 'hxllo']);
  equal((await redis.keys('h[^x]llo')).sort(), ['hallo', 'hello']);
  equal(await redis.keys('nothing*'), []);
});

check('scans find every key', async () => {
  const names = Array.from({ length: 1500 }, (_, number) => `key:${number}`).sort();
  await redis.mset(names.flatMap((name) => [name, 'v']));
  await redis.mset(Array.from({ length: 300 }, (_, number) => [`other:${number}`, 'v']).flat());
  for (const count of [1, 100, 10_000]) equal(await scanned({ match: 'key:*', count }), names, `${count}`);
  equal((await scanned({})).length, 1800);
  equal(await scanned({ match: 'key:7', type: 'string' }), ['key:7']);
  equal(await scanned({ type: 'list' }), []);
});

check('rename and copy', async () => {
  await redis.set('a', '1', 'EX', 1000);
  equal(await redis.rename('a', 'b'), 'OK');
  equal(await redis.get('a'), null);
  within(await redis.ttl('b'), 1000 - slack, 1000);
  await raises('no such key', redis.rename('none', 'x'));
  await redis.set('c', '3');
  equal(await redis.renamenx('b', 'c'), 0);
  equal(await redis.renamenx('b', 'd'), 1);
  equal(await redis.copy('c', 'd'), 0);
  equal(await redis.copy('c', 'd', 'REPLACE'), 1);
  equal(await redis.mget('c', 'd'), ['3', '3']);
});

check('dump and restore', async () => {
  for (const value of ['v', '', '12345', 'z'.repeat(100_000)]) {
    await redis.set('a', value);
    const dumped = await redis.dumpBuffer('a');
    equal(await redis.restore('b', 0, dumped, 'REPLACE'), 'OK');
    equal(await redis.get('b'), value);
    await raises('BUSYKEY', redis.restore('b', 0, dumped));
  }
  equal(await redis.dump('none'), null);
});

check('objects', async () => {
  await redis.mset({ number: '12345', short: 'text', long: 'x'.repeat(100) });
  equal(await redis.object('ENCODING', 'number'), 'int');
  equal(await redis.object('ENCODING', 'short'), 'embstr');
  equal(await redis.object('ENCODING', 'long'), 'raw');
  equal(await redis.object('REFCOUNT', 'long'), 1);
  within(await redis.memory('USAGE', 'long'), 100, 1000);
});

check('set with an expiry', async () => {
  for (const [unit, value] of [['EX', 1000], ['PX', 1_000_000]]) {
    equal(await redis.set('k', 'v', unit, value), 'OK');
    within(await redis.pttl('k'), (1000 - slack) * 1000, 1_000_000);
  }
  const at = Math.floor(Date.now() / 1000) + 5000;
  await redis.set('k', 'v', 'EXAT', at);
  equal(await redis.expiretime('k'), at);
  await redis.set('k', 'v', 'PXAT', at * 1000 + 7);
  equal(await redis.pexpiretime('k'), at * 1000 + 7);
  await redis.set('k', 'w', 'KEEPTTL');
  equal(await redis.pexpiretime('k'), at * 1000 + 7);
  equal(await redis.setex('k', 500, 'v'), 'OK');
  within(await redis.ttl('k'), 500 - slack, 500);
  equal(await redis.psetex('k', 500_000, 'v'), 'OK');
  within(await redis.ttl('k'), 500 - slack, 500);
  await raises("invalid expire time in 'set' command", redis.set('k', 'v', 'EX', 0));
});

check('change an expiry', async () => {
  equal(await redis.ttl('none'), -2);
  equal(await redis.expire('none', 10), 0);
  await redis.set('k', 'v');
  equal(await redis.ttl('k'), -1);
  equal(await redis.expire('k', 1000, 'XX'), 0);
  equal(await redis.expire('k', 1000, 'NX'), 1);
  equal(await redis.expire('k', 500, 'GT'), 0);
  equal(await redis.pexpire('k', 300_000, 'LT'), 1);
  within(await redis.ttl('k'), 300 - slack, 300);
  const at = Math.floor(Date.now() / 1000) + 5000;
  equal(await redis.expireat('k', at), 1);
  equal(await redis.expiretime('k'), at);
  equal(await redis.pexpireat('k', at * 1000 + 9), 1);
  equal(await redis.pexpiretime('k'), at * 1000 + 9);
  equal(await redis.getex('k', 'PERSIST'), 'v');
  equal(await redis.ttl('k'), -1);
  equal(await redis.getex('k', 'EX', 100), 'v');
  equal(await redis.persist('k'), 1);
  equal(await redis.persist('k'), 0);
});

check('keys end', async () => {
  await redis.set('past', 'v');
  equal(await redis.expire('past', -1), 1);
  equal(await redis.exists('past'), 0);
  await redis.set('soon', 'v', 'PX', 30);
  const limit = Date.now() + slack * 1000;
  for (let left; (left = await redis.pttl('soon')) !== -2; ) {
    within(left, 0, 30);
    equal(Date.now() < limit, true, 'the key lives on');
  }
  equal(await redis.get('soon'), null);
});
