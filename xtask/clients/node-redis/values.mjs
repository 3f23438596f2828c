// Strings and numbers: whole, in parts, many at once, binary, counted.

import { createHash } from 'node:crypto';

import { check, equal, kvOnly, raises } from './harness.mjs';
import { bytes, client } from './connection.mjs';

// Every byte there is, and what a careless reader would stumble over.
const binary = Buffer.concat([Buffer.from([...Array(256).keys()]), Buffer.from('\r\n$5\r\nhello\r\n\0\0')]);

check('set and get', async () => {
  equal(await client.set('k', 'v'), 'OK');
  equal(await client.get('k'), 'v');
  equal(await client.get('none'), null);
  equal(await client.set('empty', ''), 'OK');
  equal(await client.get('empty'), '');
  equal(await client.set('ü', '€'), 'OK');
  equal(await client.get('ü'), '€');
});

check('set under conditions', async () => {
  equal(await client.set('k', '1', { condition: 'XX' }), null);
  equal(await client.set('k', '1', { condition: 'NX' }), 'OK');
  equal(await client.set('k', '2', { condition: 'NX' }), null);
  equal(await client.set('k', '3', { condition: 'XX', GET: true }), '1');
  equal(await client.get('k'), '3');
  equal(await client.setNX('k', '4'), 0);
  equal(await client.setNX('k2', '4'), 1);
});

kvOnly('set if equal', async () => {
  await client.set('k', '1');
  equal(await client.set('k', '2', { condition: 'IFEQ', matchValue: '0' }), null);
  equal(await client.set('k', '2', { condition: 'IFEQ', matchValue: '1' }), 'OK');
  equal(await client.get('k'), '2');
});

check('exchange', async () => {
  equal(await client.getSet('k', '1'), null);
  equal(await client.getSet('k', '2'), '1');
  equal(await client.getDel('k'), '2');
  equal(await client.getDel('k'), null);
});

check('parts', async () => {
  equal(await client.append('k', 'Hello World'), 11);
  equal(await client.strLen('k'), 11);
  equal(await client.getRange('k', -5, -1), 'World');
  equal(await client.getRange('k', 4, 2), '');
  equal(await client.setRange('k', 6, 'Redis'), 11);
  equal(await client.get('k'), 'Hello Redis');
  equal(await client.setRange('padded', 3, 'x'), 4);
  equal(await bytes.get('padded'), Buffer.from('\0\0\0x'));
});

check('many at once', async () => {
  equal(await client.mSet({ a: '1', b: '2' }), 'OK');
  equal(await client.mGet(['a', 'none', 'b']), ['1', null, '2']);
  equal(await client.mSetNX({ c: '3', a: 'x' }), 0);
  equal(await client.mSetNX({ c: '3', d: '4' }), 1);
  equal(await client.mGet(['a', 'c', 'd']), ['1', '3', '4']);
});

check('binary keys and values', async () => {
  for (const key of [binary, Buffer.from([0]), Buffer.from('\r\n')]) {
    equal(await bytes.set(key, binary), 'OK');
    equal(await bytes.get(key), binary);
    equal(await bytes.strLen(key), binary.length);
  }
  const keys = await bytes.keys('*');
  equal(keys.sort(Buffer.compare), [Buffer.from([0]), binary, Buffer.from('\r\n')].sort(Buffer.compare));
});

check('big values', async () => {
  for (const size of [1 << 20, 10 << 20]) {
    const value = Buffer.alloc(size, createHash('sha512').update('seed').digest());
    equal(await client.set('big', value), 'OK');
    equal(await client.strLen('big'), size);
    const read = await bytes.get('big');
    equal(read.length, size);
    equal(read.equals(value), true, `${size} bytes`);
  }
});

check('longest common subsequence', async () => {
  await client.mSet({ a: 'ohmytext', b: 'mynewtext' });
  equal(await client.lcs('a', 'b'), 'mytext');
  equal(await client.lcsLen('a', 'b'), 6);
  equal(await client.lcsIdxWithMatchLen('a', 'b', { MINMATCHLEN: 4 }), { matches: [[[4, 7], [5, 8], 4]], len: 6 });
});

check('whole numbers', async () => {
  equal(await client.incr('n'), 1);
  equal(await client.incrBy('n', 41), 42);
  equal(await client.decr('n'), 41);
  equal(await client.decrBy('n', 50), -9);
  await client.set('n', '9223372036854775807');
  await raises('increment or decrement would overflow', client.incr('n'));
  await client.set('n', 'text');
  const error = await raises('value is not an integer or out of range', client.incr('n'));
  equal(error.constructor.name, 'SimpleError');
  equal(await client.get('n'), 'text');
});

check('fractions', async () => {
  equal(Number(await client.incrByFloat('f', 10.5)), 10.5);
  equal(Number(await client.incrByFloat('f', -0.25)), 10.25);
  equal(await client.get('f'), '10.25');
  await client.set('f', 'text');
  await raises('value is not a valid float', client.incrByFloat('f', 1));
});

check('wrong arguments', async () => {
  await raises("wrong number of arguments for 'get' command", client.sendCommand(['GET']));
  await raises('syntax error', client.sendCommand(['SET', 'k', 'v', 'BOGUS']));
  await raises("unknown command 'NOSUCH', with args beginning with: 'a'", client.sendCommand(['NOSUCH', 'a']));
  equal(await client.set('k', 'v'), 'OK');
});
