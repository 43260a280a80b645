// What the clients in JavaScript share: what they load and ask, and what is right.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const lines = (name) => readFileSync(`${process.env.VDB_DATA}/${name}`, 'utf8')
  .trimEnd().split('\n').map((line) => JSON.parse(line));

export const packages = lines('packages.jsonl');
export const questions = lines('questions.jsonl');

// How many of the rows that are right were found, over all questions.
class Recall {
  #found = 0;
  #asked = 0;

  add(got, right) {
    got = got.map(Number);
    assert.equal(got.length, right.length, `not as many rows: ${got}`);
    assert.equal(new Set(got).size, got.length, `a row twice: ${got}`);
    this.#found += got.filter((id) => right.includes(id)).length;
    this.#asked += right.length;
  }

  check() {
    assert.ok(this.#asked > 0, 'nothing was asked');
    assert.ok(this.#found / this.#asked >= 0.9, `recall ${this.#found / this.#asked}`);
  }
}

// Ask every question of plain(question) and filtered(question), which give ids.
export async function search(plain, filtered) {
  const recall = new Recall();
  const recallFiltered = new Recall();
  for (const q of questions) {
    recall.add(await plain(q), q.nearest);
    recallFiltered.add(await filtered(q), q.nearest_filtered);
  }
  recall.check();
  recallFiltered.check();
}

// That a plan, as rows of EXPLAIN or as text, uses the index.
export function expectIndex(plan, name) {
  const text = Array.isArray(plan) ? plan.map((row) => row['QUERY PLAN']).join('\n') : plan;
  assert.match(text, new RegExp(`Index Scan using "?${name}"? `), text);
}

// That a vector read back is the one that was stored: vectors are floats.
export function expectStored(got, stored = packages[0].embedding) {
  assert.ok(Array.isArray(got), `no array: ${got}`);
  assert.deepEqual(got.map(Math.fround), stored.map(Math.fround));
}

// Say what was done, with which packages.
export function done(what, ...names) {
  const versions = names.map((name) => JSON.parse(readFileSync(
    new URL(`node_modules/${name}/package.json`, import.meta.url))).version);
  console.log(`client: ${names.map((name, i) => `${name} ${versions[i]}`).join(', ')}: ${what}`);
}
