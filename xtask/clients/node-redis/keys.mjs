// Keys and their expiry: found, counted, iterated, renamed, copied, dumped, ended.

import { RESP_TYPES } from 'redis';

import { check, equal, raises, within } from './harness.mjs';
import { bytes, client } from './connection.mjs';

// No test takes this long, in seconds; what is left of an expiry is judged with it.
const slack = 60;

async function scanned(options) {
  const found = new Set();
  for await (const page of client.scanIterator(options)) for (const key of page) found.add(key);
  return [...found].sort();
}

check('existence', async () => {
  await client.mSet({ a: '1', b: '2', c: '3' });
  equal(await client.exists(['a', 'b', 'none', 'a']), 3);
  equal(await client.touch(['a', 'none']), 1);
  equal(await client.type('a'), 'string');
  equal(await client.type('none'), 'none');
  equal(await client.dbSize(), 3);
  equal(await client.del(['a', 'none']), 1);
  equal(await client.unlink(['b', 'c']), 2);
  equal(await client.randomKey(), null);
  await client.set('only', '1');
  equal(await client.randomKey(), 'only');
});

check('keys by pattern', async () => {
  await client.mSet({ hello: 'v', hallo: 'v', hxllo: 'v', other: 'v' });
  equal((await client.keys('h?llo')).sort(), ['hallo', 'hello', 'hxllo']);
  equal((await client.keys('h[ae]llo')).sort(), ['hallo', 'hello']);
  equal(await client.keys('nothing*'), []);
});

check('scans find every key', async () => {
  const names = Array.from({ length: 1500 }, (_, number) => `key:${number}`).sort();
  await client.mSet(names.map((name) => [name, 'v']));
  await client.mSet(Array.from({ length: 300 }, (_, number) => [`other:${number}`, 'v']));
  for (const COUNT of [undefined, 1, 100, 10_000]) equal(await scanned({ MATCH: 'key:*', COUNT }), names, `${COUNT}`);
  equal((await scanned({})).length, 1800);
  equal(await scanned({ MATCH: 'key:7', TYPE: 'string' }), ['key:7']);
  equal(await scanned({ TYPE: 'list' }), []);
});

check('rename and copy', async () => {
  await client.set('a', '1', { expiration: { type: 'EX', value: 1000 } });
  equal(await client.rename('a', 'b'), 'OK');
  equal(await client.get('a'), null);
  within(await client.ttl('b'), 1000 - slack, 1000);
  await raises('no such key', client.rename('none', 'x'));
  await client.set('c', '3');
  equal(await client.renameNX('b', 'c'), 0);
  equal(await client.renameNX('b', 'd'), 1);
  equal(await client.copy('c', 'd'), 0);
  equal(await client.copy('c', 'd', { REPLACE: true }), 1);
  equal(await client.mGet(['c', 'd']), ['3', '3']);
});

check('dump and restore', async () => {
  const dumping = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  for (const value of ['v', '', '12345', 'z'.repeat(100_000)]) {
    await client.set('a', value);
    const dumped = await dumping.dump('a');
    equal(await client.restore('b', 0, dumped, { REPLACE: true }), 'OK');
    equal(await client.get('b'), value);
    await raises('BUSYKEY', client.restore('b', 0, dumped));
  }
  equal(await client.dump('none'), null);
});

check('objects', async () => {
  await client.mSet({ number: '12345', short: 'text', long: 'x'.repeat(100) });
  equal(await client.objectEncoding('number'), 'int');
  equal(await client.objectEncoding('short'), 'embstr');
  equal(await client.objectEncoding('long'), 'raw');
  equal(await client.objectRefCount('long'), 1);
  within(await client.objectIdleTime('long'), 0, slack);
  within(await client.memoryUsage('long'), 100, 1000);
});

check('set with an expiry', async () => {
  for (const [type, value] of [['EX', 1000], ['PX', 1_000_000]]) {
    equal(await client.set('k', 'v', { expiration: { type, value } }), 'OK');
    within(await client.pTTL('k'), (1000 - slack) * 1000, 1_000_000);
  }
  const at = Math.floor(Date.now() / 1000) + 5000;
  await client.set('k', 'v', { expiration: { type: 'EXAT', value: at } });
  equal(await client.expireTime('k'), at);
  await client.set('k', 'v', { expiration: { type: 'PXAT', value: at * 1000 + 7 } });
  equal(await client.pExpireTime('k'), at * 1000 + 7);
  await client.set('k', 'w', { expiration: 'KEEPTTL' });
  equal(await client.pExpireTime('k'), at * 1000 + 7);
  equal(await client.setEx('k', 500, 'v'), 'OK');
  within(await client.ttl('k'), 500 - slack, 500);
  equal(await client.pSetEx('k', 500_000, 'v'), 'OK');
  within(await client.ttl('k'), 500 - slack, 500);
  await raises("invalid expire time in 'setex' command", client.setEx('k', -1, 'v'));
});

check('change an expiry', async () => {
  equal(await client.ttl('none'), -2);
  equal(await client.expire('none', 10), 0);
  await client.set('k', 'v');
  equal(await client.ttl('k'), -1);
  equal(await client.expire('k', 1000, 'XX'), 0);
  equal(await client.expire('k', 1000, 'NX'), 1);
  equal(await client.expire('k', 500, 'GT'), 0);
  equal(await client.pExpire('k', 300_000, 'LT'), 1);
  within(await client.ttl('k'), 300 - slack, 300);
  const at = Math.floor(Date.now() / 1000) + 5000;
  equal(await client.expireAt('k', at), 1);
  equal(await client.expireTime('k'), at);
  equal(await client.pExpireAt('k', at * 1000 + 9), 1);
  equal(await client.pExpireTime('k'), at * 1000 + 9);
  equal(await client.getEx('k', { type: 'PERSIST' }), 'v');
  equal(await client.ttl('k'), -1);
  equal(await client.getEx('k', { type: 'EX', value: 100 }), 'v');
  equal(await client.persist('k'), 1);
  equal(await client.persist('k'), 0);
});

check('keys end', async () => {
  await client.set('past', 'v');
  equal(await client.expire('past', -1), 1);
  equal(await client.exists('past'), 0);
  await client.set('soon', 'v', { expiration: { type: 'PX', value: 30 } });
  const limit = Date.now() + slack * 1000;
  for (let left; (left = await client.pTTL('soon')) !== -2; ) {
    within(left, 0, 30);
    equal(Date.now() < limit, true, 'the key lives on');
  }
  equal(await bytes.get('soon'), null);
});
