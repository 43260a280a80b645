package clients;

import static clients.Common.*;

import com.pgvector.PGbit;
import com.pgvector.PGhalfvec;
import com.pgvector.PGsparsevec;
import com.pgvector.PGvector;
import java.nio.charset.StandardCharsets;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.postgresql.PGConnection;
import org.postgresql.PGResultSetMetaData;
import org.postgresql.PGStatement;
import org.postgresql.copy.CopyIn;
import org.postgresql.core.Field;
import org.postgresql.util.PGobject;

/** PostgreSQL's JDBC driver with pgvector-java: its four types, in text and binary. */
final class PgjdbcClient {
    private static final String PLAIN = "SELECT id, embedding FROM packages"
            + " ORDER BY embedding <=> ? LIMIT 10";
    private static final String FILTERED = "SELECT id FROM packages"
            + " WHERE section = ? AND size < ? ORDER BY embedding <=> ? LIMIT 10";

    public static void main(String[] args) throws SQLException {
        try (Connection connection = DriverManager.getConnection(
                URL + "?reWriteBatchedInserts=true", USER, PASSWORD);
                Statement statement = connection.createStatement()) {
            statement.executeUpdate("CREATE EXTENSION IF NOT EXISTS vector");
            PGvector.registerTypes(connection);
            PGbit.registerType(connection);
            statement.execute("SET hnsw.ef_search = 100");
            statement.executeUpdate("CREATE TABLE packages (id bigint PRIMARY KEY, name text,"
                    + " section text, size int, embedding vector(384), half halfvec(384),"
                    + " sparse sparsevec(384), bits bit(384))");
            copy(connection, PACKAGES.subList(0, 500));
            insert(connection, PACKAGES.subList(500, PACKAGES.size()));
            statement.executeUpdate("CREATE INDEX nearest ON packages USING hnsw"
                    + " (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)");
            statement.executeUpdate("CREATE INDEX nearest_half ON packages"
                    + " USING hnsw (half halfvec_cosine_ops)");
            statement.executeUpdate("CREATE INDEX nearest_sparse ON packages"
                    + " USING hnsw (sparse sparsevec_cosine_ops)");
            statement.executeUpdate("CREATE INDEX nearest_bits ON packages"
                    + " USING hnsw (bits bit_hamming_ops)");
            statement.executeUpdate("ANALYZE packages");

            search(connection);
            searchOtherTypes(connection);
            valuesComeBack(connection);
        }
        for (String index : List.of("nearest", "nearest_half", "nearest_sparse", "nearest_bits")) {
            expectScans(index, QUESTIONS.size());
        }
        done("COPY, batches, server-side prepared statements; PGvector, PGhalfvec, PGsparsevec,"
                + " PGbit, arrays; text and binary", "postgresql", "pgvector");
    }

    private static PGbit signs(float[] embedding) {
        boolean[] bits = new boolean[embedding.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = embedding[i] > 0;
        }
        return new PGbit(bits);
    }

    private static void copy(Connection connection, List<Item> packages) throws SQLException {
        CopyIn copy = connection.unwrap(PGConnection.class).getCopyAPI()
                .copyIn("COPY packages FROM STDIN");
        for (Item p : packages) {
            String line = String.join("\t", Long.toString(p.id()), p.name(), p.section(),
                    Integer.toString(p.size()), new PGvector(p.embedding()).getValue(),
                    new PGhalfvec(p.embedding()).getValue(),
                    new PGsparsevec(p.embedding()).getValue(), signs(p.embedding()).getValue());
            byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
            copy.writeToCopy(bytes, 0, bytes.length);
        }
        expectEqual(copy.endCopy(), (long) packages.size());
    }

    private static void insert(Connection connection, List<Item> packages) throws SQLException {
        connection.setAutoCommit(false);
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO packages VALUES (?, ?, ?, ?, ?, ?, ?, ?)")) {
            for (Item p : packages) {
                insert.setLong(1, p.id());
                insert.setString(2, p.name());
                insert.setString(3, p.section());
                insert.setInt(4, p.size());
                insert.setObject(5, new PGvector(p.embedding()));
                insert.setObject(6, new PGhalfvec(p.embedding()));
                insert.setObject(7, new PGsparsevec(p.embedding()));
                insert.setObject(8, signs(p.embedding()));
                insert.addBatch();
            }
            expectEqual(insert.executeBatch().length, packages.size());
        }
        connection.commit();
        connection.setAutoCommit(true);
    }

    private static List<Long> ids(PreparedStatement select) throws SQLException {
        List<Long> ids = new ArrayList<>();
        try (ResultSet rows = select.executeQuery()) {
            while (rows.next()) {
                ids.add(rows.getLong("id"));
            }
        }
        return ids;
    }

    private static void search(Connection connection) throws SQLException {
        Recall recall = new Recall();
        Recall filtered = new Recall();
        // Executed five times, they become the server's, and their values binary.
        try (PreparedStatement plain = connection.prepareStatement(PLAIN);
                PreparedStatement filter = connection.prepareStatement(FILTERED)) {
            for (Question q : QUESTIONS) {
                plain.setObject(1, new PGvector(q.embedding()));
                recall.add(ids(plain), q.nearest());
                filter.setString(1, q.section());
                filter.setInt(2, q.below());
                filter.setObject(3, new PGvector(q.embedding()));
                filtered.add(ids(filter), q.nearestFiltered());
            }
            recall.check();
            filtered.check();

            expect(plain.unwrap(PGStatement.class).isUseServerPrepare(), "not prepared");
            try (ResultSet rows = plain.executeQuery()) {
                expectEqual(format(rows, 2), Field.BINARY_FORMAT);
                expect(rows.next(), "no rows");
                Item nearest = PACKAGES.get((int) rows.getLong("id") - 1);
                PGvector stored = (PGvector) rows.getObject("embedding");
                expectNear(stored.toArray(), nearest.embedding(), 0);
            }
        }
        try (PreparedStatement prepared = connection.prepareStatement("SELECT generic_plans"
                + " FROM pg_prepared_statements WHERE statement LIKE 'SELECT id, embedding %'");
                ResultSet rows = prepared.executeQuery()) {
            expect(rows.next() && rows.getLong(1) > 0, "no generic plan");
        }
        try (PreparedStatement explain = connection.prepareStatement("EXPLAIN " + PLAIN)) {
            explain.setObject(1, new PGvector(QUESTIONS.get(0).embedding()));
            StringBuilder plan = new StringBuilder();
            try (ResultSet rows = explain.executeQuery()) {
                while (rows.next()) {
                    plan.append(rows.getString(1)).append('\n');
                }
            }
            expect(plan.toString().contains("Index Scan using nearest on"), plan.toString());
        }
    }

    private static int format(ResultSet rows, int column) throws SQLException {
        return rows.getMetaData().unwrap(PGResultSetMetaData.class).getFormat(column);
    }

    private static void searchOtherTypes(Connection connection) throws SQLException {
        Recall half = new Recall();
        Recall sparse = new Recall();
        Recall bits = new Recall();
        try (PreparedStatement byHalf = connection.prepareStatement(
                "SELECT id FROM packages ORDER BY half <=> ? LIMIT 10");
                PreparedStatement bySparse = connection.prepareStatement(
                        "SELECT id FROM packages ORDER BY sparse <=> ? LIMIT 10");
                PreparedStatement byBits = connection.prepareStatement(
                        "SELECT id FROM (SELECT id, embedding FROM packages"
                        + " ORDER BY bits <~> ? LIMIT 100) AS near"
                        + " ORDER BY embedding <=> ? LIMIT 10")) {
            for (Question q : QUESTIONS) {
                byHalf.setObject(1, new PGhalfvec(q.embedding()));
                half.add(ids(byHalf), q.nearest());
                bySparse.setObject(1, new PGsparsevec(q.embedding()));
                sparse.add(ids(bySparse), q.nearest());
                byBits.setObject(1, signs(q.embedding()));
                byBits.setObject(2, new PGvector(q.embedding()));
                bits.add(ids(byBits), q.nearest());
            }
        }
        half.check();
        sparse.check();
        bits.check();
    }

    /** Values of all types, to the server and back, in text and, where there is one, binary. */
    private static void valuesComeBack(Connection connection) throws SQLException {
        float[] embedding = PACKAGES.get(0).embedding();
        float[] small = {1, 0, -2.5f};
        for (int threshold : new int[] {0, -1}) {
            connection.unwrap(PGConnection.class).setPrepareThreshold(threshold);
            int text = Field.TEXT_FORMAT;
            int binary = threshold == 0 ? text : Field.BINARY_FORMAT;
            for (float[] v : List.of(embedding, small)) {
                expectNear(sent(connection, new PGvector(v), binary).toArray(), v, 0);
                expectNear(sent(connection, new PGhalfvec(v), text).toArray(), v, HALF);
                expectNear(sent(connection, new PGsparsevec(v), binary).toArray(), v, 0);
                expectEqual(sent(connection, signs(v), binary), signs(v));
            }
            PGsparsevec large = new PGsparsevec(Map.of(0, 1.5f, 99999, -2f), 100000);
            expectEqual(sent(connection, large, binary).getValue(), "{1:1.5,100000:-2.0}/100000");
            arrayComesBack(connection, embedding, small);
        }
        try (PreparedStatement select = connection.prepareStatement(
                "SELECT CAST(? AS vector), avg(embedding), sum(embedding) FROM packages")) {
            select.setObject(1, new PGvector());
            try (ResultSet rows = select.executeQuery()) {
                expect(rows.next() && rows.getObject(1) == null, "not null");
                float[] mean = ((PGvector) rows.getObject(2)).toArray();
                float[] sum = ((PGvector) rows.getObject(3)).toArray();
                for (int i = 0; i < embedding.length; i++) {
                    final int element = i;
                    double right = PACKAGES.stream().mapToDouble(p -> p.embedding()[element]).sum();
                    expectNear(sum[i], right, 1e-3);
                    expectNear(mean[i], right / PACKAGES.size(), 1e-6);
                }
            }
        }
        try (PreparedStatement update = connection.prepareStatement(
                "UPDATE packages SET embedding = ?")) {
            update.setObject(1, new PGvector(small));
            update.executeUpdate();
            expect(false, "three dimensions in a column of 384");
        } catch (SQLException e) {
            expectEqual(e.getSQLState(), "22000");
            expect(e.getMessage().contains("expected 384 dimensions, not 3"), e.getMessage());
        }
    }

    private static <T extends PGobject> T sent(Connection connection, T value, int format)
            throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(
                "SELECT CAST(? AS %s(%s))".formatted(value.getType(), dimensions(value)))) {
            select.setObject(1, value);
            try (ResultSet rows = select.executeQuery()) {
                expectEqual(format(rows, 1), format);
                expect(rows.next(), "no rows");
                @SuppressWarnings("unchecked")
                T got = (T) rows.getObject(1, value.getClass());
                return got;
            }
        }
    }

    private static int dimensions(PGobject value) {
        if (value instanceof PGvector v) {
            return v.toArray().length;
        } else if (value instanceof PGhalfvec v) {
            return v.toArray().length;
        } else if (value instanceof PGsparsevec v) {
            return v.getDimensions();
        }
        return ((PGbit) value).length();
    }

    private static void arrayComesBack(Connection connection, float[]... vectors)
            throws SQLException {
        PGvector[] sent = new PGvector[vectors.length];
        for (int i = 0; i < vectors.length; i++) {
            sent[i] = new PGvector(vectors[i]);
        }
        try (PreparedStatement select = connection.prepareStatement("SELECT CAST(? AS vector[])")) {
            select.setArray(1, connection.createArrayOf("vector", sent));
            try (ResultSet rows = select.executeQuery()) {
                expect(rows.next(), "no rows");
                Array array = rows.getArray(1);
                Object[] got = (Object[]) array.getArray();
                expectEqual(got.length, sent.length);
                for (int i = 0; i < sent.length; i++) {
                    expectNear(((PGvector) got[i]).toArray(), vectors[i], 0);
                }
            }
        }
    }
}
