// The table of drizzle_orm_client.js.
import {
  bigint, bit, halfvec, index, integer, pgTable, sparsevec, text, vector,
} from 'drizzle-orm/pg-core';

export const packagesTable = pgTable('packages', {
  id: bigint({ mode: 'number' }).primaryKey(),
  name: text().notNull(),
  section: text().notNull(),
  size: integer().notNull(),
  embedding: vector({ dimensions: 384 }),
  half: halfvec({ dimensions: 384 }),
  bits: bit({ dimensions: 384 }),
  sparse: sparsevec({ dimensions: 384 }),
}, (table) => [
  index('nearest').using('hnsw', table.embedding.op('vector_cosine_ops')),
  index('nearest_half').using('hnsw', table.half.op('halfvec_cosine_ops'))
    // Strings, as drizzle-kit finds them in the database.
    .with({ m: '16', ef_construction: '64' }),
]);
