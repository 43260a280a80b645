// What drizzle-kit does, and where; see drizzle_orm_client.js.
import { defineConfig } from 'drizzle-kit';

const { PGDATABASE, PGUSER, PGPASSWORD, PGHOST, PGPORT } = process.env;
export default defineConfig({
  dialect: 'postgresql',
  schema: './drizzle_schema.js',
  out: './drizzle',
  dbCredentials: {
    host: PGHOST, port: Number(PGPORT), user: PGUSER, password: PGPASSWORD, database: PGDATABASE,
    ssl: false,
  },
});
