// TypeORM's own vector columns: its schema builder makes the extension and the table, a
// migration the index, and synchronizing again changes nothing.
import assert from 'node:assert/strict';
import pgvector from 'pgvector';
import { DataSource, EntitySchema } from 'typeorm';

import { done, expectIndex, expectStored, packages, questions, search } from './common.js';

const Package = new EntitySchema({
  name: 'Package',
  tableName: 'packages',
  columns: {
    id: { type: 'int', primary: true },
    name: { type: 'text' },
    section: { type: 'text' },
    size: { type: 'int' },
    embedding: { type: 'vector', length: 384, nullable: true },
    half: { type: 'halfvec', length: 384, nullable: true },
  },
  indices: [
    // Its operator class cannot be told, so the migration below makes it.
    { name: 'nearest', columns: ['embedding'], synchronize: false },
  ],
});

class Nearest1700000000000 {
  async up(queryRunner) {
    await queryRunner.query(
      'CREATE INDEX nearest ON packages USING hnsw (embedding vector_cosine_ops)');
  }

  async down(queryRunner) {
    await queryRunner.query('DROP INDEX nearest');
  }
}

const { PGDATABASE, PGUSER, PGPASSWORD, PGHOST, PGPORT } = process.env;
const source = new DataSource({
  type: 'postgres',
  host: PGHOST, port: Number(PGPORT), username: PGUSER, password: PGPASSWORD, database: PGDATABASE,
  entities: [Package],
  migrations: [Nearest1700000000000],
});
await source.initialize();
const pending = async () => (await source.driver.createSchemaBuilder().log())
  .upQueries.map(({ query }) => query);
assert.match((await pending()).join('\n'), /"embedding" vector\(384\), "half" halfvec\(384\)/);
await source.synchronize();
await source.runMigrations();
const repository = source.getRepository(Package);
await repository.save(packages.map(({ id, name, section, size, embedding }) => (
  { id, name, section, size, embedding, half: embedding })), { chunk: 250 });
await source.query('ANALYZE packages');

const nearest = (q) => repository.createQueryBuilder('package')
  .orderBy('embedding <=> :embedding')
  .setParameters({ embedding: pgvector.toSql(q.embedding) })
  .limit(10);
const ids = (rows) => rows.map((row) => row.id);
await search(
  async (q) => ids(await nearest(q).getMany()),
  async (q) => ids(await nearest(q).where('section = :section', { section: q.section })
    .andWhere('size < :below', { below: q.below }).getMany()),
);
const [sql, parameters] = nearest(questions[0]).getQueryAndParameters();
expectIndex(await source.query(`EXPLAIN ${sql}`, parameters), 'nearest');

const index = "SELECT FROM pg_indexes WHERE indexname = 'nearest'";
assert.deepEqual(await pending(), []);
await source.synchronize();
assert.equal((await source.query(index)).length, 1);

const one = await repository.findOneByOrFail({ id: packages[0].id });
expectStored(one.embedding);
assert.ok(one.half.every((x, i) => Math.abs(x - packages[0].embedding[i]) < 1e-3));
one.embedding = packages[1].embedding;
await repository.save(one);
expectStored((await repository.findOneByOrFail({ id: one.id })).embedding, packages[1].embedding);

await source.undoLastMigration();
assert.equal((await source.query(index)).length, 0);
await source.destroy();
done('synchronize, migrations, vector and halfvec columns, searches', 'typeorm', 'pgvector');
