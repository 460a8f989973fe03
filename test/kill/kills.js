#!/usr/bin/env node
// Kills the program at random moments under load and looks what became of everything it had
// acknowledged. node test/kill/kills.js [--store sqlite|postgres] [--kills N] [--seed N]
//
// With PostgreSQL two processes share the database and one of them is killed, sometimes both; now
// and then all connections are cut, and the database is restarted.
import { readFlags } from '../fake/listen.js';
import { Load } from './load.js';
import { Verdict } from './verdict.js';
import { randomOf, World } from './world.js';

const LOOK_EVERY = 20; // kills
const CUT_EVERY = 7;
const DATABASE_EVERY = 20;
const SHORT_MS = 250;
const LONG_MS = 2000;
const SHORT_IN_A_ROW = 2; // a call that loses its process six times is given up, as it should be
const FAULTS_MAX = 30;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Moments: mostly while work goes on, often while what was left is being taken up again. */
function momentsOf(random) {
  let short = 0;
  return () => {
    short = short < SHORT_IN_A_ROW && random() < 0.4 ? short + 1 : 0;
    return short ? random() * SHORT_MS : SHORT_MS + random() * (LONG_MS - SHORT_MS);
  };
}

async function strike(world, random, moment, round) {
  await pause(moment());
  const both = world.servers.length > 1 && random() < 0.25;
  const first = Math.floor(random() * world.servers.length);
  const hit = both ? world.servers.map((_, i) => i) : [first];
  if (world.store === 'postgres' && round % CUT_EVERY === 2) await world.cutConnections();
  if (world.store === 'postgres' && round % DATABASE_EVERY === 1)
    await world.restartDatabase();
  await Promise.all(hit.map((i) => world.kill(i)));
  await Promise.all(hit.map((i) => world.restart(i)));
  return hit.length;
}

/** `{ kills, counts, faults, ... }`; `tell` hears how it goes. */
export async function killing({ store, kills, seed, tell = () => {} }) {
  const random = randomOf(seed);
  const processes = store === 'postgres' ? 2 : 1;
  const moment = momentsOf(random);
  const world = await World.open({ store, processes, seed });
  const load = new Load(world, random);
  const verdict = new Verdict(world, load);
  const began = Date.now();
  let killed = 0;
  let longest = 0;
  try {
    while (killed < kills && verdict.faults.length === 0) {
      load.start();
      const until = Math.min(kills, killed + LOOK_EVERY);
      for (; killed < until; killed++) await strike(world, random, moment, killed);
      await load.stop();
      longest = Math.max(longest, await verdict.look());
      tell(`${killed} kills, ${load.asked.size} asked, ${verdict.faults.length} faults`);
    }
  } finally {
    await world.close();
  }
  return {
    store,
    seed,
    kills: killed,
    processes,
    starts: world.starts,
    seconds: Math.round((Date.now() - began) / 1000),
    longest_drain_ms: longest,
    ...verdict.counts,
    faults: verdict.faults.slice(0, FAULTS_MAX),
    evidence: verdict.evidence.length ? verdict.evidence : undefined,
  };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const known = { store: 'sqlite', kills: '200', seed: String(Date.now() % 1e6) };
  const flags = readFlags(process.argv.slice(2), known);
  const numbers = { kills: Number(flags.kills), seed: Number(flags.seed) };
  const tell = (text) => console.log(`# ${text}`);
  tell(`seed ${flags.seed}`);
  const report = await killing({ store: flags.store, ...numbers, tell });
  console.log(JSON.stringify(report));
  process.exitCode = report.faults.length ? 1 : 0;
}
