package clients;

import static clients.Common.*;

import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import org.hibernate.Session;
import org.hibernate.SessionFactory;
import org.hibernate.StatelessSession;
import org.hibernate.annotations.Array;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.cfg.BatchSettings;
import org.hibernate.jpa.HibernatePersistenceConfiguration;
import org.hibernate.tool.schema.Action;
import org.hibernate.type.SqlTypes;
import org.hibernate.vector.SparseFloatVector;

/** Hibernate with hibernate-vector: attributes of its types, and HQL. */
final class HibernateClient {
    @Entity(name = "Package")
    @Table(name = "packages")
    static class PackageEntity {
        @Id
        Long id;
        String name;
        String section;
        Integer kilobytes;
        @JdbcTypeCode(SqlTypes.VECTOR)
        @Array(length = 384)
        float[] embedding;
        @JdbcTypeCode(SqlTypes.VECTOR_FLOAT16)
        @Array(length = 384)
        float[] half;
        @JdbcTypeCode(SqlTypes.SPARSE_VECTOR_FLOAT32)
        @Array(length = 384)
        SparseFloatVector sparse;
        @JdbcTypeCode(SqlTypes.VECTOR_BINARY)
        @Array(length = 384)
        byte[] bits;

        protected PackageEntity() {}

        PackageEntity(Item p) {
            id = p.id();
            name = p.name();
            section = p.section();
            kilobytes = p.size();
            embedding = p.embedding();
            half = p.embedding();
            sparse = new SparseFloatVector(p.embedding());
            bits = signs(p.embedding());
        }
    }

    private static final String PLAIN = "select p.id from Package p"
            + " order by cosine_distance(p.embedding, :to) limit 10";
    private static final String FILTERED = "select p.id from Package p"
            + " where p.section = :section and p.kilobytes < :below"
            + " order by cosine_distance(p.embedding, :to) limit 10";

    public static void main(String[] args) throws SQLException {
        statement("CREATE EXTENSION IF NOT EXISTS vector");
        try (SessionFactory factory = factory(Action.CREATE)) {
            factory.inStatelessTransaction(HibernateClient::insert);
        }
        statement("CREATE INDEX nearest ON packages USING hnsw (embedding vector_cosine_ops)",
                "CREATE INDEX nearest_half ON packages USING hnsw (half halfvec_l2_ops)",
                "ANALYZE packages");
        try (SessionFactory factory = factory(Action.VALIDATE)) {
            factory.inTransaction(HibernateClient::search);
            factory.inTransaction(HibernateClient::functions);
            factory.inTransaction(HibernateClient::change);
            factory.inTransaction(HibernateClient::valuesComeBack);
        }
        // The schema is as it should be: nothing is changed, and nothing lost.
        try (SessionFactory factory = factory(Action.UPDATE)) {
            factory.inTransaction(session -> expectEqual(session.createSelectionQuery(
                    "select count(*) from Package", Long.class).getSingleResult(),
                    (long) PACKAGES.size()));
        }
        expectScans("nearest", QUESTIONS.size());
        expectScans("nearest_half", QUESTIONS.size());
        done("hbm2ddl create, validate, update; batches; attributes of vector, halfvec, sparsevec"
                + " and bit; the distances and functions of HQL",
                "hibernate-core", "hibernate-vector", "postgresql");
    }

    private static void statement(String... statements) throws SQLException {
        try (Connection connection = DriverManager.getConnection(URL, USER, PASSWORD);
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static SessionFactory factory(Action action) {
        return new HibernatePersistenceConfiguration("clients").managedClass(PackageEntity.class)
                .jdbcUrl(URL + "?options=-c%20hnsw.ef_search=100")
                .jdbcCredentials(USER, PASSWORD).jdbcPoolSize(1)
                .property(BatchSettings.STATEMENT_BATCH_SIZE, 100)
                .schemaToolingAction(action).createEntityManagerFactory();
    }

    private static byte[] signs(float[] embedding) {
        byte[] bits = new byte[embedding.length / 8];
        for (int i = 0; i < embedding.length; i++) {
            if (embedding[i] > 0) {
                bits[i / 8] |= (byte) (0x80 >> i % 8);
            }
        }
        return bits;
    }

    private static void insert(StatelessSession session) {
        session.insertMultiple(PACKAGES.stream().map(PackageEntity::new).toList());
    }

    private static void search(Session session) {
        Recall recall = new Recall();
        Recall filtered = new Recall();
        Recall half = new Recall();
        for (Question q : QUESTIONS) {
            recall.add(session.createSelectionQuery(PLAIN, Long.class)
                    .setParameter("to", q.embedding()).getResultList(), q.nearest());
            filtered.add(session.createSelectionQuery(FILTERED, Long.class)
                    .setParameter("section", q.section()).setParameter("below", q.below())
                    .setParameter("to", q.embedding()).getResultList(), q.nearestFiltered());
            // Of vectors of unit length, the nearest are the same by both distances.
            half.add(session.createSelectionQuery("select p.id from Package p"
                    + " order by euclidean_distance(p.half, :to) limit 10", Long.class)
                    .setParameter("to", q.embedding()).getResultList(), q.nearest());
        }
        recall.check();
        filtered.check();
        half.check();
    }

    private static double value(Session session, String expression, Object parameter) {
        var query = session.createSelectionQuery(
                "select " + expression + " from Package p where p.id = 1", Number.class);
        if (parameter != null) {
            query.setParameter("to", parameter);
        }
        return query.getSingleResult().doubleValue();
    }

    private static void functions(Session session) {
        float[] a = PACKAGES.get(0).embedding();
        float[] b = QUESTIONS.get(0).embedding();
        double product = 0;
        double squares = 0;
        double taxicab = 0;
        int hamming = 0;
        int both = 0;
        int either = 0;
        for (int i = 0; i < a.length; i++) {
            product += (double) a[i] * b[i];
            squares += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
            taxicab += Math.abs((double) a[i] - b[i]);
            hamming += a[i] > 0 != b[i] > 0 ? 1 : 0;
            both += a[i] > 0 && b[i] > 0 ? 1 : 0;
            either += a[i] > 0 || b[i] > 0 ? 1 : 0;
        }
        for (String attribute : List.of("embedding", "half", "sparse")) {
            Object to = attribute.equals("sparse") ? new SparseFloatVector(b) : b;
            double error = attribute.equals("half") ? 1e-3 : 1e-5;
            String pair = "(p." + attribute + ", :to)";
            expectNear(value(session, "cosine_distance" + pair, to), 1 - product, error);
            expectNear(value(session, "euclidean_distance" + pair, to), Math.sqrt(squares), error);
            expectNear(value(session, "euclidean_squared_distance" + pair, to), squares, error);
            expectNear(value(session, "taxicab_distance" + pair, to), taxicab, 10 * error);
            expectNear(value(session, "inner_product" + pair, to), product, error);
            expectNear(value(session, "negative_inner_product" + pair, to), -product, error);
            expectNear(value(session, "vector_dims(p." + attribute + ")", null), a.length, 0);
            expectNear(value(session, "vector_norm(p." + attribute + ")", null), 1, error);
        }
        expectNear(value(session, "hamming_distance(p.bits, :to)", signs(b)), hamming, 0);
        expectNear(value(session, "jaccard_distance(p.bits, :to)", signs(b)),
                1 - (double) both / either, 1e-9);
        expectNear(value(session, "hamming_distance(binary_quantize(p.embedding), p.bits)", null),
                0, 0);
        expectNear(value(session, "vector_norm(l2_normalize(p.embedding))", null), 1, 1e-6);

        float[] part = session.createSelectionQuery("select subvector(p.embedding, 3, 5)"
                + " from Package p where p.id = 1", float[].class).getSingleResult();
        expectNear(part, Arrays.copyOfRange(a, 2, 7), 0);
    }

    private static void change(Session session) {
        PackageEntity one = session.find(PackageEntity.class, 1L);
        one.embedding = QUESTIONS.get(0).embedding();
        session.flush();
        expectEqual(session.createSelectionQuery(PLAIN, Long.class)
                .setParameter("to", QUESTIONS.get(0).embedding()).getResultList().get(0), 1L);
        one.embedding = null;
        session.flush();
        expectEqual(session.createSelectionQuery(
                "select p.id from Package p where p.embedding is null", Long.class)
                .getSingleResult(), 1L);
        one.embedding = PACKAGES.get(0).embedding();
    }

    private static void valuesComeBack(Session session) {
        for (Item p : List.of(PACKAGES.get(0), PACKAGES.get(999))) {
            PackageEntity stored = session.find(PackageEntity.class, p.id());
            expectNear(stored.embedding, p.embedding(), 0);
            expectNear(stored.half, p.embedding(), HALF);
            expectNear(stored.sparse.toDenseVector(), p.embedding(), 0);
            expect(Arrays.equals(stored.bits, signs(p.embedding())), Arrays.toString(stored.bits));
        }
        @SuppressWarnings("unchecked")
        List<String> types = session.createNativeQuery(
                "SELECT CAST(format_type(atttypid, atttypmod) AS text) FROM pg_attribute"
                + " WHERE attrelid = CAST('packages' AS regclass)"
                + " AND attname IN ('embedding', 'half', 'sparse', 'bits') ORDER BY 1",
                String.class).getResultList();
        expectEqual(types, List.of("bit(384)", "halfvec(384)", "sparsevec(384)", "vector(384)"));
    }
}
