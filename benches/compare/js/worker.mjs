// One emitter in JavaScript, the same items as in src/items.rs: `node worker.mjs <library>`. The protocol is that of
// src/worker.rs.
import { createInterface } from 'node:readline';

const NAMES = ['data', 'end', 'error', 'close', 'connect', 'message', 'drain', 'timeout'];
const PAYLOAD = { value: 3, first: 1, second: 2 };

const libraries = {
  'node:events': async () => {
    const { EventEmitter } = await import('node:events');
    return () => new EventEmitter().setMaxListeners(0);
  },
  eventemitter3: async () => {
    const { EventEmitter } = await import('eventemitter3');
    return () => new EventEmitter();
  },
  tseep: async () => {
    const { EventEmitter } = await import('tseep');
    return () => {
      const emitter = new EventEmitter();
      emitter.setMaxListeners(1e9);
      return emitter;
    };
  },
  mitt: async () => {
    const mitt = (await import('mitt')).default;
    return () => {
      const emitter = mitt();
      emitter.once = (name, listener) => {
        const wrapped = (payload) => { emitter.off(name, wrapped); listener(payload); };
        emitter.on(name, wrapped);
      };
      return emitter;
    };
  },
};

const make = await libraries[process.argv[2]]();
const counters = (n) => Array.from({ length: n }, () => ({ sum: 0 }));
const listener = (counter) => (payload) => { counter.sum += payload.value; };
const calls = (row) => row.reduce((sum, counter) => sum + counter.sum, 0) / PAYLOAD.value;
const check = (is, should) => { if (is !== should) throw new Error(`${is} calls, not ${should}`); };

function emit(n) {
  const row = counters(n);
  const emitter = make();
  for (const counter of row) emitter.on('data', listener(counter));
  return (times) => {
    const before = calls(row);
    for (let i = 0; i < times; i++) emitter.emit('data', PAYLOAD);
    check(calls(row) - before, times * n);
  };
}

function events() {
  const row = counters(8);
  const emitter = make();
  row.forEach((counter, n) => emitter.on(NAMES[n], listener(counter)));
  return (times) => {
    const before = calls(row);
    for (let i = 0; i < times; i++) emitter.emit(NAMES[i & 7], PAYLOAD);
    check(calls(row) - before, times);
  };
}

// Listeners are made beforehand and used in turn, for two of the libraries remove by identity.
function churn(live, oldest) {
  const RING = 2048;
  const row = counters(RING);
  const ring = row.map(listener);
  const emitter = make();
  let [head, tail] = [0, 0];
  const add = () => emitter.on('data', ring[tail++ % RING]);
  while (tail < live) add();
  return (times) => {
    for (let i = 0; i < times; i++) {
      add();
      if (oldest) emitter.off('data', ring[head++ % RING]);
      else emitter.off('data', ring[--tail % RING]);
    }
    const before = calls(row);
    emitter.emit('data', PAYLOAD);
    check(calls(row) - before, live);
  };
}

function once() {
  const row = counters(1);
  const emitter = make();
  const count = listener(row[0]);
  return (times) => {
    const before = calls(row);
    for (let i = 0; i < times; i++) { emitter.once('data', count); emitter.emit('data', PAYLOAD); }
    check(calls(row) - before, times);
  };
}

const items = {
  emit0: () => emit(0),
  emit1: () => emit(1),
  emit10: () => emit(10),
  emit100: () => emit(100),
  ev8: events,
  churn1: () => churn(1, false),
  churn1k: () => churn(1000, false),
  oldest1k: () => churn(1000, true),
  once,
};

const ready = new Map();
for (const item of Object.keys(items)) console.log(`CASE ${item}`);
console.log('READY');
for await (const line of createInterface({ input: process.stdin })) {
  const [item, times] = line.split(' ');
  try {
    if (!ready.has(item)) ready.set(item, items[item]());
    const work = ready.get(item);
    const began = process.hrtime.bigint();
    work(Number(times));
    console.log(String(process.hrtime.bigint() - began));
  } catch (error) {
    console.log(String(error));
  }
}
